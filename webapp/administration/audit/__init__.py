"""The audit log: writing a row beside each change, and the page that lists them."""
