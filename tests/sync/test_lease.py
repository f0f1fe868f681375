"""The lease: a worker that is late writes nothing, and a run whose worker died ends as if nothing had happened."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from tests.servers.processes import wait_until
from tests.sync.office import (
    SOMEBODY,
    Killed,
    Office,
    Platform,
    between_batches,
    killed_after,
    killed_at_commit,
    open_office,
)
from tests.sync.people import person
from webapp.core.database import write_connection
from webapp.core.models import SyncRun, utcnow
from webapp.integrations.shared.lock_and_audit import NotEnabled
from webapp.integrations.user_sync import settings as use
from webapp.platforms.base import LeftOut, Unavailable
from webapp.sync.run.lease import CancelRequested, LeaseLost, claim, kept_alive, renew
from webapp.sync.schedule import schedule

PEOPLE = [person(str(100 + n), f"Person {n}", f"p{n}@example.com") for n in range(10)]


# ------------------------------------------------------------------ one holder
def test_an_attempt_is_claimed_once(office: Office) -> None:
    run = office.request()
    first = claim(office.engine, run.id, 1, office.lease)
    assert first is not None
    assert first.fence == 1
    assert claim(office.engine, run.id, 1, office.lease) is None
    assert claim(office.engine, run.id, 2, office.lease) is None
    claimed = office.run(run.id)
    assert (claimed.state, claimed.stage) == ("running", "connect")
    assert claimed.lease_expires_at is not None


def test_many_workers_at_once_carry_an_attempt_out_once(office: Office) -> None:
    office.platform.people_there = PEOPLE
    run = office.request()
    barrier = threading.Barrier(6)

    def work() -> None:
        with office.app.app_context():
            barrier.wait()
            office.work(run)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run = office.run(run.id)
    assert (run.state, run.imported, run.fence, office.platform.reads) == ("completed", 10, 1, 1)


def test_a_worker_that_lost_its_lease_writes_nothing_more(office: Office) -> None:
    """The first worker stops after a batch; another takes over and ends the run; then the first goes on."""
    office.platform.people_there = PEOPLE
    run = office.request()
    ended: list[dict[str, Any]] = []

    def take_over() -> None:
        office.take_back(run)
        office.work(run, Platform(list(PEOPLE)))
        ended.append(office.everything(run))

    with between_batches(office, run, take_over, done=3):
        office.work(run)
    assert ended == [office.everything(run)]
    run = office.run(run.id)
    assert (run.state, run.imported, run.attempt, run.fence) == ("completed", 10, 2, 2)


def test_a_worker_that_lost_its_lease_while_reading_does_not_fail_the_run_of_the_other(
    office: Office,
) -> None:
    run = office.request()

    def take_over() -> None:
        office.take_back(run)
        office.work(run, Platform(list(PEOPLE)))

    office.platform.meanwhile, office.platform.error = take_over, Unavailable("Too late.")
    office.work(run)
    run = office.run(run.id)
    assert (run.state, run.imported, run.error_kind) == ("completed", 10, None)
    assert [event["title"] for event in run.timeline or []].count("Taken up again") == 1


def test_a_worker_that_lost_its_lease_does_not_end_the_run_that_another_is_carrying_out(
    office: Office,
) -> None:
    run = office.request()

    def take_over() -> None:
        office.take_back(run)
        assert claim(office.engine, run.id, 2, office.lease) is not None

    office.platform.meanwhile, office.platform.error = take_over, Unavailable("Too late.")
    office.work(run)
    run = office.run(run.id)
    assert (run.state, run.attempt, run.fence, run.error_kind, run.message) == ("running", 2, 2, None, None)
    assert [call.path for call in office.calls(run)] == ["/account"]  # made while the run was still its own


def test_a_lease_is_renewed_while_a_list_is_read(office: Office) -> None:
    office.lease = timedelta(seconds=1)
    run = office.request()
    seen: list[object] = []

    def expiry() -> object:
        with office.engine.connect() as connection:
            return connection.scalar(sa.select(SyncRun.lease_expires_at).where(SyncRun.id == run.id))

    def read_slowly() -> None:
        seen.append(expiry())
        wait_until(lambda: expiry() != seen[0])

    office.platform.people_there, office.platform.meanwhile = PEOPLE, read_slowly
    office.work(run)
    assert office.run(run.id).state == "completed"


def test_a_run_that_was_asked_to_stop_keeps_its_lease_while_a_list_is_read(office: Office) -> None:
    office.lease = timedelta(seconds=1)
    run = office.request()

    def expiry() -> object:
        with office.engine.connect() as connection:
            return connection.scalar(sa.select(SyncRun.lease_expires_at).where(SyncRun.id == run.id))

    def stop_and_read_on() -> None:
        use.cancel(office.integration_id, run.id, SOMEBODY)
        for _ in range(2):  # the first beat after the request, and one more
            before = expiry()
            wait_until(lambda before=before: expiry() != before)  # type: ignore[misc]

    office.platform.people_there, office.platform.meanwhile = PEOPLE, stop_and_read_on
    office.work(run)
    run = office.run(run.id)
    assert (run.state, run.attempt, office.users()) == ("cancelled", 1, {})


def test_a_beat_ends_when_the_run_is_somebody_elses(office: Office) -> None:
    run = office.request()
    lease = claim(office.engine, run.id, 1, timedelta(seconds=1))
    assert lease is not None
    with kept_alive(office.engine, lease):
        (beat,) = [thread for thread in threading.enumerate() if thread.name == f"lease-{run.id}"]
        with write_connection() as connection:
            connection.execute(sa.update(SyncRun).values(fence=99, lease_expires_at=utcnow()))
        wait_until(lambda: not beat.is_alive())
    with pytest.raises(LeaseLost), write_connection() as connection:
        renew(connection, lease)


def test_renewing_tells_of_a_request_to_stop(office: Office) -> None:
    run = office.request()
    lease = claim(office.engine, run.id, 1, office.lease)
    assert lease is not None
    use.cancel(office.integration_id, run.id, SOMEBODY)
    with pytest.raises(CancelRequested), write_connection() as connection:
        renew(connection, lease)


# ------------------------------------------------------------------ killed and taken up again
def prepared(app_office: Office) -> Office:
    """An office whose next list holds every kind of change: two of each batch of three."""
    office = open_office(app_office.app)
    office.user("Known One", "p20@example.com")
    office.user("Other Name", "p21@example.com", status="inactive")
    before = [person(str(100 + n), f"Person {n}", f"p{n}@example.com") for n in range(12)]
    office.sync(*before)
    office.sync(*before[:11])  # one has left already
    office.rename_here("p2@example.com", "By Hand")
    office.platform.people_there = [
        *before[3:8],  # three have left, three more below are changed, one is drifted
        person("100", "Renamed", "p0@example.com"),
        before[1],
        before[2],
        before[11],  # one is back
        person("120", "Known One", "p20@example.com"),
        person("121", "Person 21", "p21@example.com"),
        person("130", "Newcomer", "new@example.com"),
        person("131", "Newcomer Too", "new2@example.com"),
        person("140", "Shares", "team@example.com"),
        person("141", "Shares Too", "team@example.com"),
        person("150", "n" * 300, "long@example.com"),
    ]
    office.platform.set_aside = [LeftOut("900", "Fin", "operator@intercom.io", "bot")]
    return office


def test_a_run_killed_at_any_commit_and_taken_up_again_ends_as_if_nothing_had_happened(
    office: Office,
) -> None:
    undisturbed = prepared(office)
    run = undisturbed.request()
    commits: list[int] = []
    sa.event.listen(office.engine, "commit", lambda _connection: commits.append(1))
    undisturbed.work(run)
    expected = undisturbed.everything(run)
    assert expected["run"] == {
        "found": 17, "imported": 2, "linked": 1, "renamed": 3, "unchanged": 7, "left_out": 2, "conflicts": 2,
        "missing": 3, "returned": 1, "state": "completed_with_warnings", "message": expected["run"]["message"],
        "reasons": {"bot": 1, "name_too_long": 1, "same_value": 2}, "error_kind": None,
    }  # fmt: skip
    writing = len(commits)
    assert writing > 6
    for number in range(1, writing + 1):
        again = prepared(office)
        run = again.request()
        with killed_at_commit(office.engine, number), pytest.raises(Killed):
            again.work(run)
        if again.run(run.id).state == "running":  # else it was killed before its claim was committed
            again.take_back(run)
        again.work(run)
        assert again.everything(run) == expected, f"killed at commit {number}"


def test_a_run_killed_again_and_again_goes_on_from_where_it_was(office: Office) -> None:
    office.platform.people_there = PEOPLE
    run = office.request()
    for attempt in range(1, 4):
        with killed_after(office.engine, run, done=3), pytest.raises(Killed):
            office.work(run)
        assert office.take_back(run).attempt == attempt + 1
    office.work(run)
    run = office.run(run.id)
    assert (run.state, run.found, run.imported, run.unchanged) == ("completed", 10, 10, 0)
    assert len(office.lines(run)) == 10


def test_a_run_whose_worker_died_in_every_attempt_is_given_up(office: Office) -> None:
    run = office.request()
    for _ in range(5):
        with killed_at_commit(office.engine, 2), pytest.raises(Killed):
            office.work(run)
        ticked = office.tick(utcnow() + timedelta(minutes=2))
    assert (ticked.given_up, ticked.taken_back) == (1, 0)
    run = office.run(run.id)
    assert (run.state, run.attempt, run.error_kind) == ("failed", 5, "abandoned")
    assert run.finished_at is not None
    assert "5 times" in (run.message or "")
    sync = office.sync_settings
    assert (sync.failures, sync.next_run_at) == (1, run.finished_at + schedule.FIRST_RETRY)
    assert not use.sync_now(office.integration_id, SOMEBODY).joined


def test_a_live_lease_is_not_taken_back(office: Office) -> None:
    run = office.request()
    assert claim(office.engine, run.id, 1, timedelta(seconds=60)) is not None
    assert office.tick(utcnow() + timedelta(seconds=50)).taken_back == 0
    assert office.tick(utcnow() + timedelta(seconds=61)).taken_back == 1


# ------------------------------------------------------------------ asked to stop
def test_a_run_stops_between_two_batches_when_asked_and_keeps_what_was_written(office: Office) -> None:
    office.platform.people_there = PEOPLE
    run = office.request()
    with between_batches(office, run, lambda: use.cancel(office.integration_id, run.id, SOMEBODY), done=3):
        office.work(run)
    run = office.run(run.id)
    assert (run.state, run.imported, run.cancel_requested_by) == ("cancelled", 3, "somebody")
    assert run.message == "Stopped on request. What was written before stays; the next run does the rest."
    assert len(office.users()) == 3
    assert office.sync().imported == 7


def test_a_run_that_is_wanted_again_while_it_stops_goes_on(office: Office) -> None:
    office.platform.people_there = PEOPLE
    run = office.request()

    def stop_and_want_again() -> None:
        use.cancel(office.integration_id, run.id, SOMEBODY)
        requested = use.sync_now(office.integration_id, SOMEBODY)
        assert (requested.joined, requested.run.id) == (True, run.id)

    with between_batches(office, run, stop_and_want_again, done=3):
        office.work(run)
    assert (office.run(run.id).state, office.run(run.id).imported) == ("completed", 10)


def test_a_run_that_waits_is_cancelled_at_once(office: Office) -> None:
    run = office.request()
    assert use.cancel(office.integration_id, run.id, SOMEBODY)
    office.work(run)
    run = office.run(run.id)
    assert (run.state, run.message) == ("cancelled", "Stopped before it began. Nobody was changed.")
    assert office.platform.reads == 0


def test_a_run_taken_back_and_cancelled_does_not_say_that_nobody_was_changed(office: Office) -> None:
    office.platform.people_there = PEOPLE
    run = office.request()
    with killed_after(office.engine, run, done=6), pytest.raises(Killed):
        office.work(run)
    office.take_back(run)
    assert len(office.users()) == 6
    assert use.cancel(office.integration_id, run.id, SOMEBODY)
    assert office.run(run.id).message == (
        "Stopped on request. What was written before stays; the next run does the rest."
    )


def test_disabling_lets_a_run_finish_or_stops_it(office: Office) -> None:
    for stop, state in ((False, "completed"), (True, "cancelled")):
        another = open_office(office.app)
        another.platform.people_there = PEOPLE
        run = another.request()
        with between_batches(
            another, run, lambda o=another, s=stop: use.disable(o.integration_id, SOMEBODY, stop_running=s)
        ):
            another.work(run)
        assert another.run(run.id).state == state
        assert another.sync_settings.next_run_at is None


def test_disabling_cancels_what_waits(office: Office) -> None:
    run = office.request()
    use.disable(office.integration_id, SOMEBODY, stop_running=False)
    assert office.run(run.id).state == "cancelled"
    with pytest.raises(NotEnabled):
        office.request()


# ------------------------------------------------------------------ nobody waits in a ring
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)  # SQLite has one lock for all
def test_pressing_a_button_in_the_middle_of_any_transaction_of_a_run_never_locks_both_up(
    office: Office,
) -> None:
    pressed: list[threading.Thread] = []
    refused: list[Exception] = []

    def press(integration_id: int, run_id: int) -> None:
        with office.app.app_context():
            try:
                use.cancel(integration_id, run_id, SOMEBODY)
                use.sync_now(integration_id, SOMEBODY)
            except Exception as error:
                refused.append(error)

    def waits() -> bool:
        with office.engine.connect() as connection:
            return bool(
                connection.scalar(
                    sa.text(
                        "SELECT count(*) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                    )
                )
            )

    for number in range(1, 13):
        another = open_office(office.app)
        another.platform.people_there = PEOPLE
        run = another.request()
        thread = threading.Thread(target=press, args=(another.integration_id, run.id))
        with inside_transaction(office.engine, number, partial(begin, thread, waits)):
            another.work(run)
        if thread.ident is not None:
            thread.join()
            pressed.append(thread)
        assert another.run(run.id).state in ("completed", "cancelled")
    assert refused == []
    assert len(pressed) == 11  # claim, three stages, four batches, finish, end, held runs before it


def begin(thread: threading.Thread, waits: Callable[[], bool]) -> None:
    """Start ``thread`` and return when it has come as far as it can."""
    thread.start()
    wait_until(lambda: waits() or not thread.is_alive())


@contextmanager
def inside_transaction(engine: sa.Engine, number: int, action: Callable[[], None]) -> Iterator[None]:
    """``action`` is called when the worker has just written to its run for the ``number``-th time, uncommitted."""
    count = itertools.count(1)

    def wrote(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        worker = threading.current_thread() is threading.main_thread()
        if worker and statement.startswith("UPDATE sync_runs") and next(count) == number:
            action()

    sa.event.listen(engine, "after_cursor_execute", wrote)
    try:
        yield
    finally:
        sa.event.remove(engine, "after_cursor_execute", wrote)
