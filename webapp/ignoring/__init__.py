"""Ignoring people who are pending, and taking that back."""
