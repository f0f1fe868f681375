"""Runs that the safeguard held, and the decision about them."""
