"""Undoing a run: what would go back and what cannot any more, and asking for it."""
