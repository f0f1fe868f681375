"""Users from a file: read, judged row by row, shown, and added once somebody has looked."""
