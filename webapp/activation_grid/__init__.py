"""Activating many, each with roles and a team of their own."""
