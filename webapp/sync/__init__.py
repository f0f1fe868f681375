"""User sync itself: plan, apply, run, schedule. Knows no platform by name."""
