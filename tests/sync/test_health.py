"""How a platform is said to be doing, and whether the promise is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from webapp.sync.schedule.health import Facts, freshness, judge

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def facts(**changes: Any) -> Facts:
    """A platform that runs well, with ``changes``."""
    well: dict[str, Any] = {
        "connection": "connected", "connection_message": None, "enabled": True, "ever_enabled": True,
        "enabled_at": NOW - timedelta(days=9), "last_success_at": NOW - timedelta(hours=1),
        "last_state": "completed", "last_message": "200 teammates, nothing to change.",
    }  # fmt: skip
    return Facts(**well | changes)


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(hours=6, minutes=30), "on time"),
        (timedelta(hours=6, minutes=30, seconds=1), "late"),
        (timedelta(hours=12), "late"),
        (timedelta(hours=12, seconds=1), "overdue"),
    ],
)
def test_a_sync_is_on_time_late_or_overdue_by_its_last_success(age: timedelta, expected: str) -> None:
    assert freshness(facts(last_success_at=NOW - age), NOW) == expected


@pytest.mark.parametrize(
    "last_success_at", [None, NOW - timedelta(days=30)], ids=["never", "before it was enabled"]
)
@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(hours=1), "on time"),
        (timedelta(hours=1, seconds=1), "late"),
        (timedelta(hours=13), "overdue"),
    ],
)
def test_a_first_import_is_promised_within_the_hour(
    last_success_at: datetime | None, age: timedelta, expected: str
) -> None:
    assert freshness(facts(enabled_at=NOW - age, last_success_at=last_success_at), NOW) == expected


def test_nothing_is_late_while_it_is_off_or_not_connected() -> None:
    old = NOW - timedelta(days=3)
    assert freshness(facts(enabled=False, last_success_at=old), NOW) is None
    assert freshness(facts(connection="not_connected", last_success_at=old), NOW) is None


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({}, "Active", "200 teammates, nothing to change."),
        ({"connection": "not_connected"}, "Not connected", "Connect it to bring its people in."),
        ({"connection": "broken", "connection_message": "Revoked."}, "Error", "Revoked."),
        ({"connection": "broken"}, "Error", "Reconnect to resume"),
        ({"last_state": "failed", "last_message": "Down."}, "Error", "Down."),
        ({"last_state": "held", "last_message": "Shrunk."}, "Warning", "Shrunk."),
        (
            {"last_state": "completed_with_warnings", "last_message": "2 conflicts."},
            "Warning",
            "2 conflicts.",
        ),
        ({"last_success_at": NOW - timedelta(hours=7)}, "Warning", "The next sync is late."),
        ({"last_success_at": NOW - timedelta(hours=13)}, "Warning", "The next sync is overdue."),
        (
            {"last_success_at": None, "enabled_at": NOW - timedelta(hours=2), "last_state": None},
            "Warning",
            "The first import is late.",
        ),
        ({"enabled": False}, "Off", "User sync is off."),
        (
            {"enabled": False, "ever_enabled": False, "last_success_at": None, "last_state": None},
            "Not enabled",
            "Connected. User sync is not enabled yet.",
        ),
        ({"paused_at": NOW, "paused_by": "Ada"}, "Paused", "The schedule was paused by Ada."),
        (
            {
                "last_success_at": None,
                "enabled_at": NOW,
                "last_state": None,
                "last_message": None,
                "running": True,
            },
            "Active",
            "The first import is running.",
        ),
        (
            {"last_success_at": None, "enabled_at": NOW, "last_state": None, "last_message": None},
            "Active",
            "about to start",
        ),
        ({"connection": "broken", "last_state": "held", "enabled": False}, "Error", "Reconnect"),
        ({"last_state": "failed", "last_success_at": NOW - timedelta(hours=7)}, "Error", ""),
    ],
)
def test_the_worst_that_applies_is_told(changes: dict[str, Any], status: str, words: str) -> None:
    health = judge(facts(**changes), NOW)
    assert health.status == status
    assert words in health.message
