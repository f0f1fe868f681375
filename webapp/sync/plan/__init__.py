"""What a run would change: computed from values alone, and what it is computed from."""
