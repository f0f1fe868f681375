"""Platforms of a contract: connecting, User sync and its settings, runs, conflicts, explanations and support's list.

It and administration do not know each other.
It may import: people and what that may import.
"""
