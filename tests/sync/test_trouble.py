"""Trouble of the database in the middle: the run waits for it to pass, says so, and ends with everybody there once."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
import sqlalchemy as sa

from tests.sync.office import SOMEBODY, Office, between_batches
from tests.sync.people import person
from tests.sync.troubles import KINDS, in_the_middle, trouble
from tests.sync.undoing import ask, carry_out, users_of
from tests.sync.undoing import work as work_undo
from webapp.core import database
from webapp.core.database import write_transaction
from webapp.core.models import SyncRun, db, utcnow
from webapp.core.trouble import PAUSES, TRIED_FOR, Trouble, pause_after, trouble_of
from webapp.sync.run import again
from webapp.sync.schedule import schedule
from webapp.sync.schedule.pick_order import waiting

MANY = 36
LONG = "x" * 200  # so that every batch needs new pages
PEOPLE = [person(f"{n:03}", f"Person {n} {LONG}", f"p{n}@example.com", about=15 * LONG) for n in range(MANY)]


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a lock waits for a moment only."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.2)
    options = database.POSTGRES_OPTIONS.replace("lock_timeout=30000", "lock_timeout=200")
    monkeypatch.setattr(database, "POSTGRES_CONNECT", {"options": options, "connect_timeout": 5})
    monkeypatch.setattr(again, "BETWEEN_WRITES", 0.01)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def owner_url(kind: str, request: pytest.FixtureRequest) -> str | None:
    return str(request.getfixturevalue("postgres_owner_url")) if kind.startswith("postgres") else None


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """That of the kind of trouble, where a test is about one; else SQLite."""
    name = "sqlite"
    if "kind" in request.fixturenames:
        name = KINDS[request.getfixturevalue("kind")][0]
    return str(request.getfixturevalue(f"{name}_url"))


def went_on(office: Office, run: SyncRun, kind: str) -> SyncRun:
    """The run after its trouble, queued again; it has told what it waits for, unless it could not."""
    run = office.run(run.id)
    said = KINDS[kind][1]
    if run.state == "running":
        assert said is None or kind == "sqlite-full", run.waits_for
        return office.take_back(run)
    assert (run.state, run.attempt, run.tries, run.interruptions) == ("queued", 2, 1, 0), run.message
    assert run.waits_for == said
    assert run.not_before is not None
    assert timedelta(0) < run.not_before - utcnow() <= PAUSES[0]
    assert (run.timeline or [])[-1]["title"] == "Waiting"
    return run


def everybody_once(office: Office) -> None:
    users, remembered = office.users(), office.remembered()
    assert sorted(user.name for user in users.values()) == sorted(str(one.name) for one in PEOPLE)
    assert set(remembered) == {one.remote_id for one in PEOPLE}
    by_id = {user.id: user.name for user in users.values()}
    assert all(by_id[person.user_id or 0] == person.name for person in remembered.values())


# ------------------------------------------------------------------ a run, a preview, an undo
def test_b1_a_run_goes_on_after_trouble_of_the_database(
    office: Office, kind: str, owner_url: str | None
) -> None:
    office.platform.people_there = PEOPLE
    run = office.request()
    with in_the_middle(office, run, kind, owner_url):
        office.work(run)
    office.work(went_on(office, run, kind))
    run = office.run(run.id)
    assert (run.state, run.found, run.imported, run.unchanged) == ("completed", MANY, MANY, 0), run.message
    assert (run.waits_for, run.not_before, run.tries, run.troubled_since) == (None, None, 0, None)
    assert office.changes(run) == [(one.remote_id, "imported") for one in PEOPLE]
    everybody_once(office)
    assert office.sync().imported == 0


def test_b1_a_preview_goes_on_after_trouble_of_the_database(
    office: Office, kind: str, owner_url: str | None
) -> None:
    office.platform.people_there = PEOPLE
    with write_transaction() as session:
        run = schedule.request_preview(session, office.integration, SOMEBODY, utcnow(), {})
    with in_the_middle(office, run, kind, owner_url):
        office.work(run)
    office.work(went_on(office, run, kind))
    run = office.run(run.id)
    assert (run.state, run.imported) == ("completed", MANY), run.message
    assert office.changes(run) == [(one.remote_id, "imported") for one in PEOPLE]
    assert office.users() == {}


def test_b1_an_undo_goes_on_after_trouble_of_the_database(
    office: Office, kind: str, owner_url: str | None
) -> None:
    office.sync(*PEOPLE)
    before = users_of(office)
    undone = office.sync(
        *(person(one.remote_id, f"Renamed {LONG}", one.email) for one in PEOPLE),
        person("100", "Newcomer", "new@example.com"),
    )
    run = ask(office, undone)
    with in_the_middle(office, run, kind, owner_url):
        carry_out(office, run)
    run = work_undo(office, went_on(office, run, kind))
    assert (run.state, run.removed, run.renamed, run.left_out) == ("completed", 1, MANY, 0), run.message
    assert users_of(office) == before


@pytest.mark.parametrize("kind", ["sqlite-locked", "postgres-killed"])
def test_b1_trouble_before_anything_is_written_is_no_failure_either(
    office: Office, kind: str, owner_url: str | None
) -> None:
    """A first import that meets with it as it begins to write is tried again at once and not in ten minutes."""
    office.platform.people_there = PEOPLE
    run = office.request()
    with trouble(office, kind, owner_url) as begin:
        office.platform.meanwhile = begin
        office.work(run)
    office.platform.meanwhile = None
    office.work(went_on(office, run, kind))
    assert (office.run(run.id).state, office.sync_settings.failures) == ("completed", 0)
    everybody_once(office)


# ------------------------------------------------------------------ how often, and for how long
def troubled(office: Office) -> SyncRun:
    """A run that waits, after a batch, for a disk with room."""
    office.platform.people_there = PEOPLE
    run = office.request()
    with in_the_middle(office, run, "sqlite-full", None):
        office.work(run)
    run = office.run(run.id)
    if run.state == "running":
        run = office.take_back(run)
    return run


def now_waiting(run: SyncRun) -> bool:
    db.session.rollback()
    return (run.id, run.attempt) in waiting(db.session(), 10)


def test_b1_a_run_that_waits_is_begun_when_its_pause_is_over_and_not_before(office: Office) -> None:
    run = troubled(office)

    def pause_until(ahead: timedelta) -> None:
        with write_transaction() as session:
            session.execute(sa.update(SyncRun).values(not_before=utcnow() + ahead))

    pause_until(timedelta(seconds=100))
    assert not now_waiting(run)
    pause_until(timedelta(seconds=-1))
    assert now_waiting(run)
    pause_until(timedelta(hours=2))  # no pause is so long: the clock was ahead
    assert now_waiting(run)


def test_b1_whoever_presses_sync_now_does_not_wait_for_the_pause(office: Office) -> None:
    run = troubled(office)
    with write_transaction() as session:
        session.execute(sa.update(SyncRun).values(not_before=utcnow() + PAUSES[-1], waits_for="Trouble."))
    assert not now_waiting(run)
    assert office.request().id == run.id
    assert now_waiting(run)
    assert office.run(run.id).waits_for is None


def test_b1_pauses_grow() -> None:
    assert [pause_after(tries).total_seconds() for tries in (1, 2, 3, 4, 5, 50)] == [5, 15, 45, 120, 300, 300]


@pytest.mark.parametrize("kind", ["postgres-killed"])
def test_b1_a_run_that_could_do_nothing_for_an_hour_fails_with_the_cause(
    office: Office, kind: str, owner_url: str | None
) -> None:
    office.platform.people_there = PEOPLE
    run = office.request()
    for tries, since in ((1, timedelta(0)), (2, timedelta(minutes=59)), (2, TRIED_FOR)):
        with write_transaction() as session:
            session.execute(
                sa.update(SyncRun)
                .where(SyncRun.troubled_since.is_not(None))
                .values(troubled_since=utcnow() - since)
            )
        with trouble(office, kind, owner_url) as begin:
            office.platform.meanwhile = begin
            office.work(run)
        run = office.run(run.id)
        assert run.tries == tries
    assert (run.state, run.error_kind, run.imported) == ("failed", "database", 0)
    assert (run.message or "").startswith(
        "The connection to the database was lost. This run was tried again for"
    )
    assert office.sync_settings.failures == 1
    office.platform.meanwhile = None
    assert office.sync().imported == MANY


@pytest.mark.parametrize("kind", ["postgres-killed"])
def test_b1_a_run_that_does_something_between_two_troubles_begins_to_count_anew(
    office: Office, kind: str, owner_url: str | None
) -> None:
    office.platform.people_there = PEOPLE
    run = office.request()
    for imported in (3, 6, 9):
        with trouble(office, kind, owner_url) as begin, between_batches(office, run, begin, done=3):
            office.work(run)
        run = office.run(run.id)
        assert (run.state, run.tries, run.imported) == ("queued", 1, imported)
        with write_transaction() as session:
            session.execute(sa.update(SyncRun).values(done=0))
    office.work(run)
    everybody_once(office)


# ------------------------------------------------------------------ the rule
@pytest.mark.parametrize(
    ("code", "passes"),
    [
        ("57P01", True), ("57P03", True), ("57P05", True), ("53100", True), ("53200", True), ("53300", True),
        ("55P03", True), ("57014", True), ("40001", True), ("40P01", True), ("08006", True), ("58030", True),
        ("25006", True), ("42601", False), ("42P01", False), ("23505", False), ("22001", False), ("42501", False),
        ("57P04", False), ("XX001", False),
    ],
)  # fmt: skip
def test_b1_what_passes_is_told_from_what_never_succeeds(code: str, passes: bool) -> None:
    found = trouble_of(sa.exc.OperationalError("", {}, psycopg.errors.lookup(code)()))
    assert (found is not None) is passes
    if found is not None:
        assert found.sentence.endswith(".")
        assert found.contended is (code in ("40001", "40P01"))


def test_b1_a_fault_of_our_own_is_no_trouble_of_the_database() -> None:
    assert trouble_of(KeyError("odd")) is None
    assert trouble_of(sa.exc.ProgrammingError("", {}, Exception())) is None
    assert trouble_of(sa.exc.InvalidRequestError("odd")) is None
    assert isinstance(trouble_of(sa.exc.TimeoutError("the pool is empty")), Trouble)


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ('FATAL:  too many connections for role "rollcall"', "no connection left"),
        ("FATAL:  the database system is starting up", "stopped or started"),
        ("connection refused", "could not be reached"),
    ],
)
def test_b1_a_refused_connection_says_why(said: str, cause: str) -> None:
    found = trouble_of(sa.exc.OperationalError("", {}, psycopg.OperationalError(said)))
    assert found is not None
    assert cause in found.sentence
