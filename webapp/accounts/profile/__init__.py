"""One's own account: its password, its email and where it is signed in."""
