"""Backups, the way back to one, and going on from there."""
