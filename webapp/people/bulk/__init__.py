"""What every bulk action shares: the people picked, what they are to get, the licence, and what is written down."""
