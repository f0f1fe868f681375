"""Activating, alike or each in a grid, deactivating, ignoring, and undoing an activation."""
