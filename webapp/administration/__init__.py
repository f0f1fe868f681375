"""Roles, structure, settings and the audit page of a contract.

It and integrations do not know each other.
It may import: people and what that may import.
"""
