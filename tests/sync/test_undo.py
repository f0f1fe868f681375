"""Undoing a run puts back what is still as it left it, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.sync.office import SOMEBODY, Killed, Office, killed_after, killed_at_commit
from tests.sync.people import person
from tests.sync.undoing import ask, change_user, links_of, undo, unlinked_of, users_of, work
from webapp.core.database import write_transaction
from webapp.core.match_keys import user_keys
from webapp.core.models import AuditEvent, Incident, Integration, Person, SyncRun, User, db, utcnow
from webapp.core.models.sync import SUCCESS_STATES
from webapp.integrations.runs import undo_service
from webapp.integrations.user_sync import settings as use

ADA = person("1", "Ada Lovelace", "ada@example.com")
BOB = person("2", "Bob Martin", "bob@example.com")
CLEO = person("3", "Cleo Nova", "cleo@example.com")


def verdicts(office: Office, run: SyncRun) -> dict[str, int]:
    return undo_service.verdicts(office.run(run.id)).counts


def test_imported_renamed_and_recognised_people_are_as_before(office: Office) -> None:
    office.user("Bob Old", "bob@example.com", "bob@example.com")
    office.user("Cleo Nova", "cleo@example.com", "cleo@example.com")
    users, links = users_of(office), links_of(office)
    run = office.sync(ADA, BOB, CLEO)
    assert (run.imported, run.renamed, run.linked) == (1, 1, 1)
    undone = undo(office, run)
    assert (users_of(office), links_of(office)) == (users, links)
    assert office.remembered() == {}
    assert undone.state == "completed"
    assert (undone.trigger, undone.undoes_id) == ("undo", run.id)
    assert (undone.found, undone.removed, undone.renamed, undone.unlinked, undone.left_out) == (3, 1, 1, 1, 0)
    assert office.changes(undone) == [("1", "removed"), ("2", "renamed"), ("3", "unlinked")]
    line = office.line(undone, "2")
    assert (line.before, line.after, line.person_name) == ("Bob Martin", "Bob Old", "Bob Old")


def test_undoing_twice_changes_nothing_more(office: Office) -> None:
    run = office.sync(ADA, BOB)
    undo(office, run)
    users = users_of(office)
    assert verdicts(office, run) == {"already": 2}
    with pytest.raises(undo_service.NotUndoable) as refused:
        ask(office, run)
    assert refused.value.why == undo_service.NOTHING
    assert users_of(office) == users


def test_the_next_run_brings_back_what_the_platform_says(office: Office) -> None:
    office.user("Bob Old", "bob@example.com", "bob@example.com")
    run = office.sync(ADA, BOB)
    undo(office, run)
    again = office.sync()
    assert (again.imported, again.renamed) == (1, 1)


def test_runs_are_undone_from_the_newest_backwards(office: Office) -> None:
    empty = users_of(office)
    first = office.sync(ADA)
    between = users_of(office)
    second = office.sync(person("1", "Ada King", "ada@example.com"))
    assert verdicts(office, first) == {"edited": 1}
    undo(office, second)
    assert users_of(office) == between
    undo(office, first)
    assert users_of(office) == empty


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({"status": "active"}, "user_active"),
        ({"status": "inactive"}, "user_inactive"),
        ({"status": "ignored"}, "user_ignored"),
        ({"username": "someone.else"}, "edited"),
        ({"email": "other@example.com"}, "edited"),
        ({"email": None}, "edited"),
        ({"third_party_id": None}, "edited"),
        ({"name": "By Hand"}, "edited"),
    ],
)
def test_somebody_who_was_touched_since_stays_with_the_reason(
    office: Office, values: dict[str, str | None], verdict: str
) -> None:
    run = office.sync(ADA, BOB)
    change_user(office, "ada@example.com", **values)
    assert verdicts(office, run) == {verdict: 1, "remove": 1}
    links = links_of(office)
    undone = undo(office, run)
    assert undone.state == "completed_with_warnings"
    assert (undone.removed, undone.left_out, undone.reasons) == (1, 1, {verdict: 1})
    assert office.line(undone, "1").reason == verdict
    assert len(office.users()) == 1
    assert links_of(office) == {"1": links["1"]}


def test_a_name_that_has_changed_since_stays(office: Office) -> None:
    office.user("Ada Old", "ada@example.com", "ada@example.com")
    run = office.sync(ADA)
    office.rename_here("ada@example.com", "Ada By Hand")
    assert verdicts(office, run) == {"renamed_since": 1}
    assert office.users()["ada@example.com"].name == "Ada By Hand"


def test_a_name_of_somebody_linked_before_goes_back_and_the_link_stays(office: Office) -> None:
    office.sync(ADA)
    links = links_of(office)
    run = office.sync(person("1", "Ada King", "ada@example.com"))
    undo(office, run)
    assert office.users()["ada@example.com"].name == "Ada Lovelace"
    assert links_of(office) == links


def test_who_had_named_the_user_before_is_known_again(office: Office) -> None:
    with write_transaction() as session:
        other = Integration(contract_id=office.contract_id, platform="zendesk", connection="not_connected")
        session.add(other)
        session.flush()
        other_id = other.id
    office.user("Ada Old", "ada@example.com", "ada@example.com")
    change_user(office, "ada@example.com", named_by_integration_id=other_id)
    users = users_of(office)
    undo(office, office.sync(ADA))
    assert users_of(office) == users


def test_a_user_that_another_platform_lists_as_well_stays(office: Office) -> None:
    run = office.sync(ADA)
    ada = office.users_id("ada@example.com")
    with write_transaction() as session:
        other = Integration(contract_id=office.contract_id, platform="zendesk", connection="not_connected")
        session.add(other)
        session.flush()
        session.add(
            Person(
                contract_id=office.contract_id, integration_id=other.id, remote_id="900", revision=b"x" * 16,
                name="Ada", attributes={}, outcome="linked", user_id=ada,
            )
        )  # fmt: skip
    assert verdicts(office, run) == {"other_platform": 1}


def test_somebody_who_was_in_conflict_before_is_again(office: Office) -> None:
    office.user("Ada One", "ada@example.com")
    office.user("Ada Two", "ada.two", "ada@example.com")
    office.sync(ADA)
    before = unlinked_of(office)
    assert before["1"][0] == "conflict"
    change_user(office, "ada.two", email=None, email_key=None)
    run = office.sync()
    assert (run.linked + run.renamed) == 1
    undo(office, run)
    assert unlinked_of(office) == before
    assert links_of(office) == {}


def test_marks_of_who_is_gone_and_who_is_back_stay(office: Office) -> None:
    office.sync(ADA, BOB)
    run = office.sync(ADA, CLEO)
    assert run.missing == 1
    undo(office, run)
    assert office.remembered()["2"].missing_since is not None


def test_what_a_later_run_did_again_belongs_to_that_run(office: Office) -> None:
    office.user("Bob Martin", "bob@example.com", "bob@example.com")
    first = office.sync(BOB)
    undo(office, first)
    second = office.sync()
    assert (first.linked, second.linked) == (1, 1)
    assert verdicts(office, first) == {"later_run": 1}
    assert verdicts(office, second) == {"unlink": 1}
    undo(office, second)
    assert links_of(office) == {}
    assert verdicts(office, first) == {"already": 1}


def test_an_id_is_never_given_twice(office: Office) -> None:
    run = office.sync(ADA, BOB)
    ids = {user.id for user in office.users().values()}
    undo(office, run)
    office.sync()
    assert ids.isdisjoint(user.id for user in office.users().values())


# ------------------------------------------------------------------ asking
def test_what_was_shown_is_done_or_nothing(office: Office) -> None:
    run = office.sync(ADA, BOB)
    stamp = undo_service.verdicts(office.run(run.id)).stamp
    change_user(office, "ada@example.com", status="active")
    with pytest.raises(undo_service.ChangedMeanwhile):
        undo_service.undo(office.integration_id, run.id, SOMEBODY, stamp=stamp, then=undo_service.GO_ON)
    assert len(office.users()) == 2


def test_somebody_touched_between_asking_and_doing_stays(office: Office) -> None:
    run = office.sync(ADA, BOB)
    asked = ask(office, run)
    change_user(office, "ada@example.com", status="active")
    undone = work(office, asked)
    assert (undone.removed, undone.reasons) == (1, {"user_active": 1})


def test_no_undo_beside_a_live_run_and_a_run_waits_for_a_live_undo(office: Office) -> None:
    run = office.sync(ADA, BOB)
    live = office.request()
    with pytest.raises(undo_service.AnotherRunLive):
        ask(office, run)
    use.cancel(office.integration_id, live.id, SOMEBODY)
    asked = ask(office, run)
    requested = use.sync_now(office.integration_id, SOMEBODY)
    assert requested.joined
    assert requested.run.id == asked.id
    assert office.tick().due == 0
    work(office, asked)
    assert office.users() == {}
    assert office.tick().due == 1  # Sync now was waiting


def test_the_schedule_is_paused_with_the_undo_unless_it_is_to_go_on(office: Office) -> None:
    run = office.sync(ADA)
    work(office, ask(office, run, then=undo_service.PAUSE))
    sync = office.sync_settings
    assert sync.paused_at is not None
    assert (sync.paused_by, sync.pause_reason) == ("somebody", f"Run {run.id} was undone")
    office.configure(next_run_at=utcnow() - timedelta(minutes=1))
    assert office.tick().due == 0
    actions = db.session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert actions[-2:] == ["user_sync.undone", "user_sync.paused"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"preview": True}, undo_service.NO_SYNC),
        ({"state": "held"}, undo_service.NOT_OVER),
        ({"lines_removed_at": utcnow()}, undo_service.LINES_REMOVED),
        ({"imported": 0}, undo_service.NOTHING),
    ],
)
def test_which_runs_can_be_undone(office: Office, change: dict[str, object], why: str) -> None:
    run = office.sync(ADA)
    with write_transaction() as session:
        session.execute(sa.update(SyncRun).where(SyncRun.id == run.id).values(**change))
    assert undo_service.why_not(office.run(run.id)) == why
    with pytest.raises(undo_service.NotUndoable):
        ask(office, run)


def test_an_undo_is_no_sync(office: Office) -> None:
    """Neither the health, nor incidents, nor what was imported last follow from it."""
    run = office.sync(ADA)
    success = office.sync_settings.last_success_at
    incidents = db.session.scalar(sa.select(sa.func.count()).select_from(Incident))
    undone = undo(office, run)
    assert undo_service.why_not(undone) == undo_service.NO_SYNC
    assert office.sync_settings.last_success_at == success
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Incident)) == incidents


# ------------------------------------------------------------------ interruptions
def test_a_run_that_was_stopped_half_way_can_be_undone(office: Office) -> None:
    office.platform.people_there = [person(str(n), f"Person {n}", f"p{n}@example.com") for n in range(9)]
    run = office.request()
    with pytest.raises(Killed), killed_after(office.engine, run, 4):
        office.work(run)
    office.take_back(run)
    use.cancel(office.integration_id, run.id, SOMEBODY)
    assert office.run(run.id).state == "cancelled"
    assert len(office.users()) == 3
    assert undo(office, run).removed == 3
    assert office.users() == {}


@pytest.mark.parametrize("commit", range(1, 8))
def test_an_undo_whose_worker_died_is_taken_up_again(office: Office, commit: int) -> None:
    everybody = [person(str(n), f"Person {n}", f"p{n}@example.com") for n in range(5)]
    office.user("Person Old", "p1@example.com", "p1@example.com")
    users = users_of(office)
    run = office.sync(*everybody)
    change_user(office, "p3@example.com", status="active")
    kept = users_of(office)[office.users_id("p3@example.com")]
    asked = ask(office, run)
    try:
        with killed_at_commit(office.engine, commit):
            work(office, asked, batch_size=2)
    except Killed:
        if office.run(asked.id).state == "running":
            office.take_back(asked)
    if office.run(asked.id).live:
        work(office, asked, batch_size=2)
    undone = office.run(asked.id)
    assert undone.state in SUCCESS_STATES
    assert (undone.removed, undone.renamed, undone.left_out, undone.unchanged) == (3, 1, 1, 0)
    assert [kind for _, kind in office.changes(undone)].count("removed") == 3
    now = users_of(office)
    assert now.pop(office.users_id("p3@example.com")) == kept
    assert now == users


def test_an_undo_that_is_asked_to_stop_keeps_what_went_back(office: Office) -> None:
    run = office.sync(*[person(str(n), f"Person {n}", f"p{n}@example.com") for n in range(7)])
    asked = ask(office, run)
    with pytest.raises(Killed), killed_after(office.engine, asked, 2):
        work(office, asked, batch_size=2)
    office.take_back(asked)
    use.cancel(office.integration_id, asked.id, SOMEBODY)
    stopped = office.run(asked.id)
    assert (stopped.state, stopped.removed, len(office.changes(stopped))) == ("cancelled", 2, 2)
    assert "undo the run again for the rest" in (stopped.message or "")
    assert undo(office, run).removed + 2 == 7
    assert office.users() == {}


def test_a_user_whose_name_key_is_searched_is_found_by_the_old_name_again(office: Office) -> None:
    office.user("Ada Old", "ada@example.com", "ada@example.com")
    undo(office, office.sync(ADA))
    user = office.users()["ada@example.com"]
    keys = user_keys(name="Ada Old", username=user.username, email=user.email, third_party_id=None)
    assert {name: getattr(user, name) for name in keys} == keys
    assert isinstance(user, User)
