"""Links that are mailed to an account: what each is for, and how long it works."""

from __future__ import annotations

from datetime import timedelta

RESET = "reset"
EMAIL = "email"
LIFETIMES = {RESET: timedelta(hours=1), EMAIL: timedelta(hours=24)}
