"""Carrying out a run, a preview or an undo, from the claim to the outcome."""
