"""When runs happen: one at a time, on time, spread, and only where they may."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.sync.office import EVERY, SOMEBODY, Office, open_office
from tests.sync.people import person
from webapp.core import clock, contracts, heartbeat
from webapp.core.database import write_transaction
from webapp.core.models import Contract, Integration, SyncRun, db, utcnow
from webapp.core.permissions import INTEGRATIONS
from webapp.integrations.shared.lock_and_audit import NotConnected
from webapp.integrations.user_sync import settings as use
from webapp.jobs import functions
from webapp.platforms.base import AccessDenied, BadResponse, Unavailable
from webapp.queue import wake
from webapp.sync.run.lease import LONGEST_LEASE, claim
from webapp.sync.schedule import schedule
from webapp.sync.schedule.pick_order import waiting

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ADA = person("101", "Ada Lovelace", "ada@example.com")


def runs(office: Office) -> list[SyncRun]:
    db.session.rollback()
    return list(
        db.session.scalars(
            sa.select(SyncRun).where(SyncRun.integration_id == office.integration_id).order_by(SyncRun.id)
        )
    )


# ------------------------------------------------------------------ slots
@pytest.mark.parametrize(
    ("due", "now", "expected"),
    [
        (NOW, NOW, NOW + EVERY),
        (NOW, NOW + timedelta(seconds=1), NOW + EVERY),
        (NOW, NOW + EVERY, NOW + 2 * EVERY),
        (NOW, NOW + timedelta(days=3, minutes=1), NOW + timedelta(days=3) + EVERY),
        (NOW + timedelta(minutes=1), NOW, NOW + timedelta(minutes=1)),
    ],
    ids=["on time", "a little late", "a whole slot late", "days late", "not due yet"],
)
def test_the_next_slot_keeps_the_time_of_day(due: datetime, now: datetime, expected: datetime) -> None:
    assert schedule.next_slot(due, now, EVERY) == expected


def test_integrations_enabled_in_one_second_are_spread_over_minutes() -> None:
    slots = [schedule.first_slot(NOW, number, EVERY) for number in range(1, 301)]
    assert len(set(slots)) == 300
    assert min(slots) > NOW + EVERY - timedelta(minutes=5)
    assert max(slots) <= NOW + EVERY
    per_minute = Counter(slot.replace(second=0) for slot in slots)
    assert max(per_minute.values()) <= 60


# ------------------------------------------------------------------ enabling
def test_enabling_starts_a_run_at_once_and_the_next_within_six_hours(office: Office) -> None:
    use.disable(office.integration_id, SOMEBODY, stop_running=False)
    settings = office.app.extensions["settings"]
    before = utcnow()
    requested = use.enable(office.integration_id, SOMEBODY, settings)
    assert (requested.joined, requested.run.trigger, requested.run.state) == (False, "enable", "queued")
    sync = office.sync_settings
    assert (sync.enabled, sync.enabled_by) == (True, "somebody")
    assert sync.next_run_at is not None
    assert before + EVERY - timedelta(minutes=5) <= sync.next_run_at <= utcnow() + EVERY
    again = use.enable(office.integration_id, SOMEBODY, settings)
    assert (again.joined, again.run.id) == (True, requested.run.id)


def test_enabling_again_goes_on_from_what_is_known(office: Office) -> None:
    office.sync(ADA)
    use.disable(office.integration_id, SOMEBODY, stop_running=False)
    assert office.sync_settings.next_run_at is None
    run = use.enable(office.integration_id, SOMEBODY, office.app.extensions["settings"]).run
    office.work(run)
    run = office.run(run.id)
    assert (run.state, run.imported, run.unchanged) == ("completed", 0, 1)


def test_what_is_not_connected_cannot_be_enabled_or_synced(office: Office) -> None:
    with write_transaction() as session:
        integration = session.get_one(Integration, office.integration_id)
        integration.connection = "broken"
    with pytest.raises(NotConnected):
        use.enable(office.integration_id, SOMEBODY, office.app.extensions["settings"])
    with pytest.raises(NotConnected):
        use.sync_now(office.integration_id, SOMEBODY)
    assert runs(office) == []


# ------------------------------------------------------------------ the first import within the hour
@pytest.mark.parametrize("error", [Unavailable("Down."), BadResponse("Odd."), ZeroDivisionError("ours")])
def test_a_first_import_that_failed_for_now_is_tried_again_in_ten_minutes(
    office: Office, error: Exception
) -> None:
    office.platform.error = error  # type: ignore[assignment]
    run = office.request()
    if isinstance(error, ZeroDivisionError):
        with pytest.raises(ZeroDivisionError):
            office.work(run)
    else:
        office.work(run)
    again = office.sync_settings.next_run_at
    assert again is not None
    assert utcnow() + timedelta(minutes=9) < again <= utcnow() + timedelta(minutes=10)
    assert office.tick(again).due == 1
    office.platform.error = None
    office.platform.people_there = [ADA]
    office.work(runs(office)[-1])
    assert runs(office)[-1].imported == 1
    assert office.sync_settings.next_run_at == again + EVERY


def test_a_first_import_that_needs_a_person_is_not_tried_again_by_itself(office: Office) -> None:
    planned = office.sync_settings.next_run_at
    office.configure(identifier_column="nobody has it")
    assert office.sync(ADA).error_kind == "identifier_absent"
    assert office.sync_settings.next_run_at == planned
    office.platform.error = AccessDenied("Refused.")
    assert office.sync().error_kind == "access_denied"
    assert office.sync_settings.next_run_at == planned


def test_after_the_first_import_or_its_hour_a_failed_run_is_no_longer_tried_so_soon(office: Office) -> None:
    office.configure(enabled_at=utcnow() - timedelta(minutes=61))
    office.platform.error = Unavailable("Down.")
    for values in ({}, {"enabled_at": utcnow() - timedelta(minutes=1), "last_success_at": utcnow()}):
        office.configure(next_run_at=utcnow() + EVERY, **values)
        assert office.sync().state == "failed"
        next_run_at = office.sync_settings.next_run_at
        assert next_run_at is not None
        assert next_run_at - utcnow() > timedelta(minutes=29)


# ------------------------------------------------------------------ ticks
def test_a_tick_makes_the_run_that_is_due_once_and_plans_the_next(office: Office) -> None:
    now = utcnow()
    office.configure(next_run_at=now - timedelta(seconds=1))
    assert office.tick(now).due == 1
    (run,) = runs(office)
    assert (run.state, run.trigger, run.requested_by) == ("queued", "schedule", None)
    assert office.sync_settings.next_run_at == now - timedelta(seconds=1) + EVERY
    assert office.tick(now).due == 0
    assert len(runs(office)) == 1


def test_a_run_that_is_live_answers_for_the_one_that_is_due(office: Office) -> None:
    run = office.request()
    now = utcnow()
    office.configure(next_run_at=now)
    office.tick(now)
    assert [found.id for found in runs(office)] == [run.id]
    assert (office.sync_settings.next_run_at or now) > now


@pytest.mark.parametrize("why", ["disabled", "broken", "feature off", "not yet"])
def test_nothing_is_made_where_nothing_may_run(office: Office, why: str) -> None:
    now = utcnow()
    office.configure(next_run_at=now)
    if why == "disabled":
        office.configure(enabled=False)
    elif why == "broken":
        with write_transaction() as session:
            session.get_one(Integration, office.integration_id).connection = "broken"
    elif why == "feature off":
        with write_transaction() as session:
            contract = session.get_one(Contract, office.contract_id)
            contracts.set_feature(session, contract, INTEGRATIONS, on=False)
    else:
        now -= timedelta(seconds=1)
    assert office.tick(now).due == 0
    assert runs(office) == []


def test_what_was_paused_runs_at_once_when_it_may_again(office: Office) -> None:
    office.configure(next_run_at=utcnow() - timedelta(days=2))
    with write_transaction() as session:
        session.get_one(Integration, office.integration_id).connection = "broken"
    assert office.tick().due == 0
    with write_transaction() as session:
        session.get_one(Integration, office.integration_id).connection = "connected"
    assert office.tick().due == 1


def test_many_ticks_at_once_make_one_run_of_each_that_is_due(office: Office) -> None:
    offices = [office, *(open_office(office.app) for _ in range(4))]
    for one in offices:
        one.configure(next_run_at=utcnow() - timedelta(minutes=1))
    refused: list[Exception] = []
    barrier = threading.Barrier(6)

    def tick() -> None:
        with office.app.app_context():
            barrier.wait()
            try:
                functions.tick()  # the whole of it: heartbeat and queue as well
            except Exception as error:
                refused.append(error)

    _at_once(tick, 6)
    assert refused == []
    assert [len(runs(one)) for one in offices] == [1] * 5
    assert heartbeat.seen(heartbeat.WORKER).alive


def test_fifty_requests_at_once_make_one_run(office: Office) -> None:
    answers: list[tuple[int, bool]] = []
    barrier = threading.Barrier(50)

    def ask() -> None:
        with office.app.app_context():
            barrier.wait()
            requested = use.sync_now(office.integration_id, SOMEBODY)
            answers.append((requested.run.id, requested.joined))

    _at_once(ask, 50)
    (run,) = runs(office)
    assert {run_id for run_id, _ in answers} == {run.id}
    assert Counter(joined for _, joined in answers) == {True: 49, False: 1}


def test_the_database_itself_refuses_a_second_live_run(office: Office) -> None:
    office.request()
    with pytest.raises(sa.exc.IntegrityError), write_transaction() as session:
        session.add(
            SyncRun(contract_id=office.contract_id, integration_id=office.integration_id, trigger="manual")
        )


# ------------------------------------------------------------------ what waits
def test_what_waits_is_listed_with_the_longest_waiting_first(office: Office) -> None:
    second = open_office(office.app)
    one, two = office.request(), second.request()
    with write_transaction() as session:
        session.get_one(SyncRun, two.id).queued_at = utcnow() - timedelta(hours=1)
        assert waiting(session, 9) == [(two.id, 1), (one.id, 1)]
    claim(office.engine, two.id, 1, timedelta(seconds=60))
    with write_transaction() as session:
        assert waiting(session, 9) == [(one.id, 1)]


def test_a_run_of_a_dead_worker_is_taken_up_again_within_two_minutes(office: Office) -> None:
    """Lease, then the next tick, is what passes at most before a worker is woken again."""
    settings = office.app.extensions["settings"]
    assert settings.lease + timedelta(seconds=settings.tick_seconds) <= timedelta(seconds=90)
    run = office.request()
    claim(office.engine, run.id, 1, settings.lease)
    ticked = office.tick(utcnow() + settings.lease + timedelta(seconds=settings.tick_seconds))
    assert ticked.taken_back == 1
    with write_transaction() as session:
        assert waiting(session, 9) == [(run.id, 2)]


def test_connecting_anew_ends_the_live_run_at_once(office: Office) -> None:
    run = office.request()
    with write_transaction() as session:
        schedule.end_live_run(session, office.integration_id, "Connected anew.", utcnow())
        new = schedule.request_run(
            session, session.get_one(Integration, office.integration_id), "reconnect", SOMEBODY, utcnow()
        )
    assert not new.joined
    assert (office.run(run.id).state, office.run(run.id).message) == ("cancelled", "Connected anew.")


def test_connecting_anew_ends_a_live_undo_and_says_to_ask_again(office: Office) -> None:
    run = office.sync(person("1", "Ada", "ada@example.com"))
    with write_transaction() as session:
        undo = schedule.request_undo(session, office.run(run.id), SOMEBODY, utcnow())
        assert undo is not None
        schedule.end_live_run(session, office.integration_id, "Connected anew.", utcnow())
    ended = office.run(undo.id)
    assert ended.state == "cancelled"
    assert ended.message == "Connected anew. Undo the run again to take back the rest."


def _at_once(work: object, count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]  # type: ignore[arg-type]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# ------------------------------------------------------------------ a clock that was set back
def test_b10_a_killed_run_is_taken_back_although_the_clock_was_set_back(office: Office) -> None:
    """Its lease ends in two hours and a minute, which none can."""
    run = office.request()
    assert claim(office.engine, run.id, 1, office.lease) is not None
    assert office.tick(utcnow() - timedelta(hours=2)).taken_back == 1
    assert office.run(run.id).state == "queued"


def test_b10_a_lease_that_is_as_long_as_one_can_be_is_left_alone(office: Office) -> None:
    run = office.request()
    assert claim(office.engine, run.id, 1, LONGEST_LEASE) is not None
    assert office.tick(utcnow() - timedelta(seconds=30)).taken_back == 0


@pytest.mark.parametrize(("ahead", "due"), [(timedelta(hours=5), 0), (EVERY, 0), (timedelta(hours=9), 1)])
def test_b10_a_run_that_is_due_further_ahead_than_possible_is_due_now(
    office: Office, ahead: timedelta, due: int
) -> None:
    office.configure(next_run_at=utcnow() + ahead)
    assert office.tick(utcnow()).due == due
    following = office.sync_settings.next_run_at
    assert following is not None
    assert following <= utcnow() + EVERY


def test_b10_a_run_put_into_the_queue_by_a_clock_ahead_is_put_there_again(office: Office) -> None:
    """Its job was lost; it was queued in the future, so it would look fresh for hours."""
    run = office.request()
    with write_transaction() as session:
        session.execute(sa.update(SyncRun).values(queued_at=utcnow() + timedelta(hours=2)))
    wake.connection().set(wake.SafeJob.key_for(f"run-{run.id}-1"), "lost")
    functions.tick()
    assert f"run-{run.id}-1" in wake.waiting_runs()


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_b10_leases_go_by_the_clock_of_the_database_where_it_is_a_server(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker whose own clock is hours off holds a lease like any other, and keeps it."""
    elsewhere = utcnow() + timedelta(hours=3)
    monkeypatch.setattr(clock, "utcnow", lambda: elsewhere)
    run = office.request()
    assert claim(office.engine, run.id, 1, office.lease) is not None
    expires = office.run(run.id).lease_expires_at
    assert expires is not None
    assert abs(expires - utcnow()) < timedelta(minutes=2)
    assert office.tick(clock.now_in(db.session())).taken_back == 0
