"""Pausing and resuming the schedule of a platform, a control on its User sync tab."""
