"""What a setting must be before anything starts with it."""
