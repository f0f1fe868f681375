"""Invitations: an active user gets an account to sign in with."""
