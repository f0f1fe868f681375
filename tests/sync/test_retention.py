"""Lines and calls of old runs are removed in bounded steps; their figures stay."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.sync.office import Office
from tests.sync.people import person
from tests.sync.undoing import ask
from webapp.core.database import write_transaction
from webapp.core.models import SyncRun, utcnow
from webapp.jobs import functions
from webapp.sync.schedule import retention

YEAR = timedelta(days=365)
CROWD = [person(str(n), f"Person {n}", f"p{n}@example.com") for n in range(7)]


def age(office: Office, run: SyncRun, by: timedelta) -> None:
    """Let the run have ended longer ago."""
    office.run(run.id)
    with write_transaction() as session:
        session.execute(sa.update(SyncRun).where(SyncRun.id == run.id).values(finished_at=utcnow() - by))


def tidy(office: Office) -> int:
    with write_transaction() as session:
        return retention.remove_old_lines(session, utcnow(), YEAR)


def test_lines_and_calls_go_and_figures_stay(office: Office) -> None:
    old, new = office.sync(*CROWD), office.sync(*CROWD[1:])
    age(office, old, timedelta(days=366))
    age(office, new, timedelta(days=364))
    functions.tick()
    old, new = office.run(old.id), office.run(new.id)
    assert (office.lines(old), office.calls(old)) == ([], [])
    assert (old.imported, old.found, old.state) == (7, 7, "completed")
    assert old.lines_removed_at is not None
    assert old.timeline
    assert len(office.lines(new)) == 1
    assert office.calls(new)
    assert new.lines_removed_at is None
    assert tidy(office) == 0


def test_a_step_is_bounded_and_the_next_one_goes_on(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 3)
    run = office.sync(*CROWD)
    rows = len(office.lines(run)) + len(office.calls(run))
    age(office, run, timedelta(days=366))
    removed: list[int] = []
    while not removed or removed[-1]:
        removed.append(tidy(office))
        assert (
            office.run(run.id).lines_removed_at is not None
        )  # from the first step on: nobody counts on the rest
    assert sum(removed) == rows
    assert max(removed) == 3
    assert not office.run(run.id).lines_left


@pytest.mark.parametrize("state", ["held", "running", "queued"])
def test_lines_of_a_run_that_is_not_over_stay(office: Office, state: str) -> None:
    run = office.sync(*CROWD)
    age(office, run, timedelta(days=400))
    with write_transaction() as session:
        session.execute(sa.update(SyncRun).where(SyncRun.id == run.id).values(state=state))
    assert tidy(office) == 0
    assert len(office.lines(run)) == 7


def test_lines_of_a_run_that_is_being_undone_stay(office: Office) -> None:
    run = office.sync(*CROWD)
    ask(office, run)
    age(office, run, timedelta(days=400))
    assert tidy(office) == 0
