"""Sync status of all contracts, for platform-wide support; nothing about people."""
