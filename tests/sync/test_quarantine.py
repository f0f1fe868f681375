"""Failures that may pass: tries move apart, the state is named, one success ends it."""

from __future__ import annotations

from datetime import timedelta

from tests.sync.office import Office
from tests.sync.people import person
from webapp.core.models import Contract, db, utcnow
from webapp.integrations.shared.platform_status import platform_state
from webapp.platforms.base import AccessDenied, Unavailable

ADA = person("1", "Ada Lovelace", "ada@example.com")


def wait_of(office: Office) -> timedelta:
    next_run_at = office.sync_settings.next_run_at
    assert next_run_at is not None
    return next_run_at - utcnow()


def message_of(office: Office) -> str:
    db.session.rollback()
    state = platform_state(db.session.get_one(Contract, office.contract_id), "intercom")
    assert state is not None
    return state.health.message


def failing_since_long(office: Office) -> None:
    """Everything was well until now."""
    office.sync(ADA)
    office.configure(enabled_at=utcnow() - timedelta(days=3))
    office.platform.error = Unavailable("Intercom could not be reached.")


def test_tries_move_apart_until_the_usual_six_hours(office: Office) -> None:
    failing_since_long(office)
    for hours in (0.5, 1, 2, 6):
        office.configure(next_run_at=utcnow() + timedelta(hours=6))
        office.sync()
        assert abs(wait_of(office) - timedelta(hours=hours)) < timedelta(minutes=2)
    assert office.sync_settings.failures == 4


def test_the_state_is_named_and_one_success_ends_it(office: Office) -> None:
    failing_since_long(office)
    for _ in range(3):
        office.sync()
    assert message_of(office).startswith("In quarantine: 3 runs in a row have failed")
    office.platform.error = None
    office.sync()
    assert office.sync_settings.failures == 0
    assert "quarantine" not in message_of(office)


def test_a_sooner_slot_is_never_put_off(office: Office) -> None:
    failing_since_long(office)
    office.configure(next_run_at=utcnow() + timedelta(minutes=5))
    office.sync()
    assert wait_of(office) < timedelta(minutes=6)


def test_refused_access_waits_for_somebody_to_reconnect(office: Office) -> None:
    failing_since_long(office)
    office.platform.error = AccessDenied("Refused.")
    office.sync()
    assert office.sync_settings.failures == 0
    assert office.integration.connection == "broken"
