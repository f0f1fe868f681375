"""Who stays out of User sync: people and email patterns, and taking them back."""
