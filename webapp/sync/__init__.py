"""User sync itself: what a run would change, carrying that out, and when the next run is due.

It knows no page, no queue and no platform by name.
It may import: platforms (what every platform has in common) and core.
"""
