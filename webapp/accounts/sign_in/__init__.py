"""Signing in and out: accounts, passwords, server-side sessions and the throttle on guessing."""
