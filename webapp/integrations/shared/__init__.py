"""What the pages of platforms and runs have in common."""
