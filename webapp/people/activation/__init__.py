"""Activations as they were made: the recent ones, and undoing one."""
