"""The User sync tab of a platform: identifier, Enable and Disable, Sync now, the safeguard, held runs."""
