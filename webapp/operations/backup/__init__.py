"""Backups of a SQLite database and the way back to one; what a restored database must not go on with."""
