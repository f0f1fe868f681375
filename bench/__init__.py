"""How fast syncs and pages are, beside the least that the same work can cost here: ``make bench``."""
