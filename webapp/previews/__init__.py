"""Asking for previews, with settings that are not saved, and applying what they showed."""
