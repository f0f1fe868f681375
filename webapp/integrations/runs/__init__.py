"""How User sync is doing, for people who may look and not touch."""
