"""The users of a contract: lists, pages, activation, bulk actions, invitations, leavers, merges and uploads.

Where they came from is known by platform, not by connection.
It may import: accounts and what that may import.
"""
