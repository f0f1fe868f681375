"""The sign-ins of one user, as far as their contract goes: when they were here last, and ending them."""
