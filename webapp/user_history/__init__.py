"""What happened to one user: changes by people, and what User sync did."""
