"""The settings of a contract: its name and time zone, and what its operator decides."""
