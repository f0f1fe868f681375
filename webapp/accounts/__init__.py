"""Accounts of those who sign in: signing in, a forgotten password, and one's own profile.

An account belongs to no contract.
It may import: notifications and what that may import.
"""
