"""The audit log: writing a row beside each change, who acts, in which words, and what of it is masked."""
