"""What an operator relies on: a safe start, backups and restoring them.

It may import: accounts, notifications, sync and core.
Pages know nothing of it.
"""
