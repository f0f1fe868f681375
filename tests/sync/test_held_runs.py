"""Held runs: what they show, what an approval covers, raising the limits, and one decision at a time."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.sync.office import SOMEBODY, Killed, Office, killed_after, killed_at_commit
from tests.sync.people import person
from webapp.core.database import write_transaction
from webapp.core.models import AuditEvent, SyncRun, db, utcnow
from webapp.integrations.shared.lock_and_audit import limits_of
from webapp.integrations.user_sync import held_run_service
from webapp.integrations.user_sync import settings as use
from webapp.platforms.base import LeftOut, Person, Unavailable
from webapp.sync.plan.safeguard import Limits


def crowd(first: int, count: int) -> list[Person]:
    return [person(str(n), f"Person {n}", f"p{n}@example.com") for n in range(first, first + count)]


HERE, NEW = crowd(100, 20), crowd(500, 60)


def grown(office: Office) -> SyncRun:
    office.sync(*HERE)
    return office.sync(*HERE, *NEW)


def shrunk(office: Office, left: int = 5) -> SyncRun:
    office.sync(*HERE)
    return office.sync(*HERE[:left])


# ------------------------------------------------------------------ growing
def test_hundreds_of_new_users_are_held_and_each_is_shown(office: Office) -> None:
    run = grown(office)
    assert (run.state, run.imported, len(office.users())) == ("held", 0, 20)
    assert "60 new users would come to the 20 who are here (300%; the limit is 50%)" in (run.message or "")
    assert office.changes(run) == [(one.remote_id, "imported") for one in NEW]
    office.work(held_run_service.approve(office.integration_id, run.id, SOMEBODY))
    run = office.run(run.id)
    assert (run.state, run.imported, run.proposed, len(office.users())) == ("completed", 60, False, 80)
    assert all(line.user_id is not None for line in office.lines(run))


def test_a_first_import_is_never_too_large(office: Office) -> None:
    assert office.sync(*HERE, *NEW).imported == 80


def test_a_first_import_that_died_in_the_middle_goes_on(office: Office) -> None:
    office.platform.people_there = [*HERE, *NEW]
    run = office.request()
    with pytest.raises(Killed), killed_at_commit(office.engine, 9):
        office.work(run)
    assert 0 < len(office.users()) < 80
    office.take_back(run)
    office.work(run)
    assert (office.run(run.id).state, len(office.users())) == ("completed", 80)


def test_who_is_recognised_is_not_new(office: Office) -> None:
    office.sync(*HERE)
    for one in NEW:
        office.user(one.name or "", one.email or "")
    run = office.sync(*HERE, *NEW)
    assert (run.state, run.linked) == ("completed", 60)


def test_both_kinds_are_on_one_held_run(office: Office) -> None:
    office.sync(*HERE)
    run = office.sync(*HERE[:10], *NEW)
    assert "10 of 20 teammates are gone" in (run.message or "")
    assert "60 new users" in (run.message or "")
    assert len(office.lines(run)) == 70


def test_who_was_set_aside_is_among_the_lines(office: Office) -> None:
    office.sync(*HERE)
    office.platform.set_aside = [LeftOut("900", "Fin", "operator@intercom.io", "bot")]
    assert ("900", "left_out") in office.changes(office.sync(*HERE[:5]))


# ------------------------------------------------------------------ what an approval covers
def test_the_same_number_of_other_people_is_not_covered(office: Office) -> None:
    run = shrunk(office, left=10)
    office.platform.people_there = HERE[10:]
    office.work(held_run_service.approve(office.integration_id, run.id, SOMEBODY))
    run = office.run(run.id)
    assert run.state == "held"
    assert "This goes beyond what was approved" in (run.message or "")
    assert office.changes(run) == [(one.remote_id, "missing") for one in HERE[:10]]


def test_somebody_else_who_is_new_is_not_covered(office: Office) -> None:
    run = grown(office)
    office.platform.people_there = [*HERE, *NEW[:59], *crowd(900, 1)]
    office.work(held_run_service.approve(office.integration_id, run.id, SOMEBODY))
    assert (office.run(run.id).state, len(office.users())) == ("held", 20)


def test_a_worker_that_dies_after_the_approval_does_not_undo_it(office: Office) -> None:
    run = grown(office)
    held_run_service.approve(office.integration_id, run.id, SOMEBODY)
    with pytest.raises(Killed), killed_at_commit(office.engine, 9):
        office.work(run)
    assert 20 < len(office.users()) < 80
    office.take_back(run)
    office.work(run)
    run = office.run(run.id)
    assert (run.state, run.imported, len(office.lines(run)), len(office.users())) == ("completed", 60, 60, 80)


def test_a_worker_that_dies_while_it_writes_what_is_proposed_leaves_no_line_of_it(office: Office) -> None:
    office.sync(*HERE)
    office.platform.people_there = HERE[:5]
    run = office.request()
    with pytest.raises(Killed), killed_after(office.engine, run, 3):
        office.work(run)
    assert office.lines(run)
    office.platform.people_there = [person("100", "Renamed", "p100@example.com"), *HERE[1:]]
    office.take_back(run)
    office.work(run)
    assert (office.run(run.id).state, office.changes(run)) == ("completed", [("100", "renamed")])


def test_a_stop_that_came_too_late_for_the_hold_does_not_stop_what_is_approved(office: Office) -> None:
    run = grown(office)
    with write_transaction() as session:  # asked for while the last lines were written
        session.execute(sa.update(SyncRun).where(SyncRun.id == run.id).values(cancel_requested_at=utcnow()))
    office.work(held_run_service.approve(office.integration_id, run.id, SOMEBODY))
    assert (office.run(run.id).state, len(office.users())) == ("completed", 80)


def test_a_second_attempt_that_is_held_does_not_say_that_nothing_was_changed(office: Office) -> None:
    office.sync(*HERE)
    office.platform.people_there = [*HERE, *NEW[:30]]
    run = office.request()
    with pytest.raises(Killed), killed_after(office.engine, run, 20):
        office.work(run)
    office.take_back(run)
    office.platform.people_there = HERE[:5]
    office.work(run)
    run = office.run(run.id)
    assert run.state == "held"
    assert run.imported > 0
    assert "nothing was changed" not in (run.message or "")
    assert "keep their changes" in (run.message or "")
    assert (
        held_run_service.reject(office.integration_id, run.id, SOMEBODY) == "What was written before stays."
    )
    assert "What was written before stays." in (office.run(run.id).message or "")


# ------------------------------------------------------------------ raising the limits
def test_raising_lets_this_run_and_the_next_like_it_pass_and_is_one_audit_row(office: Office) -> None:
    run = shrunk(office, left=12)
    before = db.session.scalar(sa.select(sa.func.count()).select_from(AuditEvent))
    _, limits = held_run_service.approve_raising(office.integration_id, run.id, SOMEBODY)
    assert limits == limits_of(office.sync_settings) == Limits(shrink_percent=40)
    events = db.session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id)).all()
    assert len(events) == (before or 0) + 1
    assert events[-1].action == "user_sync.approved_raising"
    assert events[-1].details == {"run": run.id, "losing, percent": {"before": 20, "after": 40}}
    office.work(run)
    assert (office.run(run.id).state, office.run(run.id).missing) == ("completed", 8)


def test_an_empty_list_is_held_by_any_limits(office: Office) -> None:
    office.sync(*HERE)
    office.platform.people_there = []
    run = office.sync()
    assert held_run_service.limits_raised(run, office.sync_settings).shrink_percent == 100
    use.save_safeguard(office.integration_id, Limits(100, 1000))
    assert held_run_service.limits_raised(run, office.sync_settings) == Limits(100, 1000)
    assert office.sync().state == "held"


# ------------------------------------------------------------------ one decision at a time
def held_ids(office: Office) -> list[int]:
    db.session.rollback()
    return list(
        db.session.scalars(
            sa.select(SyncRun.id).where(
                SyncRun.integration_id == office.integration_id, SyncRun.state == "held"
            )
        )
    )


def test_the_schedule_goes_on_proposing_and_one_run_waits_at_most(office: Office) -> None:
    older = shrunk(office)
    office.configure(next_run_at=utcnow())
    assert office.tick().due == 1
    newer = db.session.scalars(sa.select(SyncRun).where(SyncRun.state == "queued")).one()
    office.platform.people_there = HERE[:4]
    office.work(newer)
    assert held_ids(office) == [newer.id]
    assert len(office.changes(newer)) == 16
    older = office.run(older.id)
    assert (older.state, older.decided_by) == ("cancelled", None)
    assert f"Replaced by run {newer.id}" in (older.message or "")
    assert len(office.lines(older)) == 15  # what it showed stays readable
    with pytest.raises(held_run_service.NotHeld):
        held_run_service.approve(office.integration_id, older.id, SOMEBODY)


def test_a_list_that_is_whole_again_leaves_nothing_to_decide(office: Office) -> None:
    older = shrunk(office)
    newer = office.sync(*HERE)
    assert (newer.state, held_ids(office)) == ("completed", [])
    assert f"Run {newer.id} went through since" in (office.run(older.id).message or "")


def test_a_run_that_fails_or_is_stopped_leaves_the_older_one_waiting(office: Office) -> None:
    older = shrunk(office)
    office.platform.error = Unavailable("It did not answer.")
    assert office.sync().state == "failed"
    assert held_ids(office) == [older.id]
    office.platform.error = None
    live = office.request()
    use.cancel(office.integration_id, live.id, SOMEBODY)
    assert held_ids(office) == [older.id]
    office.work(held_run_service.approve(office.integration_id, older.id, SOMEBODY))
    assert office.run(older.id).state == "completed"


def test_nobody_elses_runs_are_affected(office: Office) -> None:
    other = office.another()
    mine, theirs = shrunk(office), shrunk(other)
    office.sync(*HERE)
    assert (office.run(mine.id).state, other.run(theirs.id).state) == ("cancelled", "held")
