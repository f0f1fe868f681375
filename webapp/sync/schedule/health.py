"""How a platform is doing, in the product's words, and how fresh its people are. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

LATE_AFTER = timedelta(hours=6, minutes=30)
OVERDUE_AFTER = timedelta(hours=12)
QUARANTINED_FROM = 3  # failures in a row
FIRST_WITHIN = timedelta(hours=1)  # the promise until the first import is done

NOT_CONNECTED, ACTIVE, WARNING, ERROR = "Not connected", "Active", "Warning", "Error"
NOT_ENABLED, OFF, PAUSED = "Not enabled", "Off", "Paused"  # why no run starts by itself

STILL = " Sync now still works."


@dataclass(frozen=True)
class Facts:
    """What the state of a platform follows from. The last run is the last one that ended, not cancelled."""

    connection: str
    connection_message: str | None
    enabled: bool
    enabled_at: datetime | None
    ever_enabled: bool
    last_success_at: datetime | None
    last_state: str | None = None
    last_message: str | None = None
    running: bool = False
    failures: int = 0
    paused_at: datetime | None = None
    paused_by: str | None = None
    pause_reason: str | None = None
    resumed_at: datetime | None = None


@dataclass(frozen=True)
class Health:
    """The word for the state, the sentence that explains it, and the freshness while sync is on.

    ``since`` is when the schedule was paused, while it is.
    """

    status: str
    message: str
    freshness: str | None
    since: datetime | None = None

    @property
    def message_without_people(self) -> str:
        """The sentence for somebody who is not of the contract: not who paused the schedule, nor their words."""
        return f"The schedule was paused.{STILL}" if self.since is not None else self.message


def at_rest(facts: Facts) -> str | None:
    """Why no run starts by itself: never enabled, switched off since, or paused; ``None`` while one does."""
    if not facts.enabled:
        return OFF if facts.ever_enabled else NOT_ENABLED
    return PAUSED if facts.paused_at is not None else None


def freshness(facts: Facts, now: datetime) -> str | None:
    """on time, late or overdue against the promise; ``None`` while no run starts by itself.

    The time before the schedule was resumed does not count.
    """
    if at_rest(facts) or facts.enabled_at is None or facts.connection == "not_connected":
        return None
    if facts.last_success_at is None or facts.last_success_at < facts.enabled_at:
        since, allowed = facts.enabled_at, FIRST_WITHIN
    else:
        since, allowed = facts.last_success_at, LATE_AFTER
    age = now - max(since, facts.resumed_at or since)
    if age > OVERDUE_AFTER:
        return "overdue"
    return "late" if age > allowed else "on time"


def judge(facts: Facts, now: datetime) -> Health:
    """The worst that applies wins: Error, Warning, then what is at rest, Active; a schedule that somebody paused comes
    before what the last run left to look at."""
    fresh, rests = freshness(facts, now), at_rest(facts)
    if facts.connection == "not_connected":
        return Health(NOT_CONNECTED, "Connect it to bring its people in.", None)
    if facts.connection == "broken":
        return Health(
            ERROR, facts.connection_message or "The platform refused our access. Reconnect to resume.", fresh
        )
    if facts.last_state == "failed":
        message = facts.last_message or "The last run failed."
        if facts.failures >= QUARANTINED_FROM:
            often = f"{facts.failures} runs in a row have failed, so tries are further apart"
            message = f"In quarantine: {often}, and one success ends it. {message}"
        return Health(ERROR, message, fresh)
    if facts.last_state == "held":
        return Health(WARNING, facts.last_message or "The last run is held by the safeguard.", fresh)
    if rests == PAUSED:
        by = f" by {facts.paused_by}" if facts.paused_by else ""
        why = f": {facts.pause_reason.rstrip('.')}." if facts.pause_reason else "."
        return Health(PAUSED, f"The schedule was paused{by}{why}{STILL}", fresh, facts.paused_at)
    if facts.last_state == "completed_with_warnings":
        return Health(WARNING, facts.last_message or "The last run left something for you to look at.", fresh)
    if fresh in ("late", "overdue"):
        since = "The first import" if facts.last_success_at is None else "The next sync"
        return Health(WARNING, f"{since} is {fresh}.", fresh)
    if rests is not None:
        off = "User sync is off." if rests == OFF else "Connected. User sync is not enabled yet."
        return Health(rests, off, fresh)
    if facts.running and facts.last_success_at is None:
        return Health(ACTIVE, "The first import is running.", fresh)
    return Health(ACTIVE, facts.last_message or "User sync is on; the first import is about to start.", fresh)
