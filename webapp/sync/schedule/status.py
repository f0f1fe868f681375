"""One word for how an integration stands against the promise, the most urgent first. Pure.

It agrees with :func:`webapp.sync.schedule.health.judge`: what is an error or a warning there needs attention here,
unless the run only left something for the contract's own people to look at.
"""

from __future__ import annotations

from datetime import datetime

from webapp.sync.schedule import health
from webapp.sync.schedule.health import Facts, freshness

BROKEN, OVERDUE, HELD, FAILING = "broken", "overdue", "held", "failing"
LATE, FIRST, ON_TIME = "late", "first", "on_time"
PAUSED, OFF, NOT_CONNECTED = "paused", "off", "not_connected"

BY_URGENCY = (BROKEN, OVERDUE, HELD, FAILING, LATE, FIRST, ON_TIME, PAUSED, OFF, NOT_CONNECTED)
NEEDS_ATTENTION = (BROKEN, OVERDUE, HELD, FAILING, LATE)


def standing(facts: Facts, now: datetime, *, available: bool = True) -> str:
    """One of :data:`BY_URGENCY`; ``available``: whether the contract may use integrations at all."""
    if facts.connection == "not_connected":
        return NOT_CONNECTED
    if not available:
        return OFF
    if facts.connection == "broken":
        return BROKEN
    fresh = freshness(facts, now)
    if fresh == "overdue":
        return OVERDUE
    if facts.last_state == "held":
        return HELD
    if facts.last_state == "failed":
        return FAILING
    if fresh == "late":
        return LATE
    if fresh is None:
        return PAUSED if health.at_rest(facts) == health.PAUSED else OFF
    waiting = facts.last_success_at is None or _before(facts.last_success_at, facts.enabled_at)
    return FIRST if waiting else ON_TIME


def _before(moment: datetime, other: datetime | None) -> bool:
    return other is not None and moment < other
