"""The audit page: the log with its filters, and the same as a file."""
