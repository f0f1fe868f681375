"""The Users page, one user, what happened to them, and a list of users as a file."""
