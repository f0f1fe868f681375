"""The audit log: what is written of each change, in which words, and what of it is masked."""
