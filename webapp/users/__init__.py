"""Users screens."""
