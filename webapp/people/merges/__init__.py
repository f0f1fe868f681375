"""Users who are one human: pairs that look like it, merging two, and undoing that."""
