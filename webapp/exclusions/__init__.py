"""Who stays out of User sync: people and e-mail patterns, and taking them back."""
