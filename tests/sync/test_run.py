"""Whole runs in real databases: what is imported, linked, renamed, left out, marked, and what is written down."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.sync.conftest import Edited
from tests.sync.office import (
    COUNTERS,
    Killed,
    Office,
    at_each_pause,
    between_all_batches,
    between_batches,
    killed_after,
)
from tests.sync.people import person
from webapp.core.database import write_connection, write_transaction
from webapp.core.models import ContractFeature, Integration, SyncRun, utcnow
from webapp.platforms.base import AccessDenied, BadResponse, ConnectorError, LeftOut, Unavailable

ADA = person("101", "Ada Lovelace", "ada@example.com", job_title="Agent")
BOB = person("102", "Bob Byte", "bob@example.com", job_title="Agent")
CYN = person("103", "Cynthia Ciphers", "cyn@example.com")
BOT = LeftOut("900", "Fin", "operator+abc@intercom.io", "bot")


def counters(run: SyncRun) -> dict[str, int]:
    """The counters that are not zero."""
    return {name: getattr(run, name) for name in COUNTERS if getattr(run, name)}


def adds_up(run: SyncRun) -> bool:
    return run.found == run.imported + run.linked + run.renamed + run.unchanged + run.left_out + run.conflicts


# ------------------------------------------------------------------ the main path
def test_a_first_import_makes_pending_users_and_a_line_for_each(office: Office) -> None:
    office.platform.set_aside = [BOT]
    run = office.sync(ADA, BOB)
    assert (run.state, counters(run)) == ("completed", {"found": 3, "imported": 2, "left_out": 1})
    assert office.changes(run) == [("101", "imported"), ("102", "imported"), ("900", "left_out")]
    users = office.users()
    assert {(user.name, user.status, user.third_party_id) for user in users.values()} == {
        ("Ada Lovelace", "pending", "101"),
        ("Bob Byte", "pending", "102"),
    }
    ada = users["ada@example.com"]
    assert (ada.email, ada.source_integration_id, ada.account_id) == (
        "ada@example.com",
        office.integration_id,
        None,
    )
    remembered = office.remembered()["101"]
    assert (remembered.user_id, remembered.outcome, remembered.attributes["columns"]["job_title"]) == (
        ada.id,
        "linked",
        "Agent",
    )
    assert run.reasons == {"bot": 1}
    assert run.message == "3 teammates: 2 imported, 1 left out."
    settings = office.sync_settings
    assert settings.last_success_at is not None
    assert (settings.last_imported_at, settings.last_imported) == (settings.last_success_at, 2)


def test_a_run_keeps_its_timeline_and_the_calls_it_made(office: Office) -> None:
    run = office.sync(ADA)
    assert [call.path for call in office.calls(run)] == ["/account", "/people"]
    assert {(call.method, call.status) for call in office.calls(run)} == {("GET", 200)}
    titles = [event["title"] for event in run.timeline or []]
    assert titles == ["Started", "Connection checked", "Teammates fetched", "People matched", "Finished"]
    assert run.started_at is not None
    assert run.finished_at is not None
    assert run.stage == "finish"
    assert run.lease_expires_at is None


def test_nothing_changes_when_nothing_has_changed(office: Office) -> None:
    first = office.sync(ADA, BOB, CYN)
    before = office.everything(first)
    run = office.sync()
    assert (run.state, counters(run), office.changes(run)) == ("completed", {"found": 3, "unchanged": 3}, [])
    assert run.message == "3 teammates, nothing to change."
    after = office.everything(first)
    assert after == before
    assert office.sync_settings.last_imported == 3  # of the run that imported last


def test_a_changed_name_is_taken_over_and_both_names_are_kept(office: Office) -> None:
    office.sync(ADA, BOB)
    run = office.sync(person("101", "Ada King", "ada@example.com", job_title="Agent"), BOB)
    assert counters(run) == {"found": 2, "renamed": 1, "unchanged": 1}
    line = office.line(run, "101")
    assert (line.kind, line.before, line.after) == ("renamed", "Ada Lovelace", "Ada King")
    user = office.users()["ada@example.com"]
    assert (user.name, user.name_key, user.named_by_integration_id) == (
        "Ada King",
        "ada king",
        office.integration_id,
    )
    assert user.search_key == "ada king\nada@example.com\nada@example.com\n101"
    assert line.user_id == user.id


def test_a_name_typed_here_by_hand_is_overwritten_although_nothing_changed_there(office: Office) -> None:
    office.sync(ADA, BOB)
    office.rename_here("ada@example.com", "Countess")
    run = office.sync()
    assert counters(run) == {"found": 2, "renamed": 1, "unchanged": 1}
    line = office.line(run, "101")
    assert (line.before, line.after) == ("Countess", "Ada Lovelace")
    assert office.users()["ada@example.com"].name == "Ada Lovelace"
    assert counters(office.sync()) == {"found": 2, "unchanged": 2}


def test_another_email_or_title_is_remembered_without_a_line_and_changes_no_user(office: Office) -> None:
    office.sync(ADA)
    run = office.sync(person("101", "Ada Lovelace", "ada.king@example.com", job_title="Lead"))
    assert (counters(run), office.changes(run)) == ({"found": 1, "unchanged": 1}, [])
    remembered = office.remembered()["101"]
    assert (remembered.email, remembered.attributes["columns"]["job_title"]) == (
        "ada.king@example.com",
        "Lead",
    )
    assert office.users()["ada@example.com"].email == "ada@example.com"


def test_swapped_emails_swap_nobody(office: Office) -> None:
    office.sync(ADA, BOB)
    run = office.sync(
        person("101", "Ada Lovelace", "bob@example.com"), person("102", "Bob Byte", "ada@example.com")
    )
    assert counters(run) == {"found": 2, "unchanged": 2}
    assert {user.username: user.name for user in office.users().values()} == {
        "ada@example.com": "Ada Lovelace",
        "bob@example.com": "Bob Byte",
    }


@pytest.mark.parametrize("name", [None, "", "   ", "x" * 300], ids=["none", "empty", "blank", "too long"])
def test_a_name_that_cannot_be_used_changes_no_name_here(office: Office, name: str | None) -> None:
    office.sync(ADA)
    office.sync(person("101", name, "ada@example.com"))
    assert office.users()["ada@example.com"].name == "Ada Lovelace"
    assert counters(office.sync()) == {"found": 1, "unchanged": 1}


# ------------------------------------------------------------------ matching
@pytest.mark.parametrize(
    "here",
    [
        {"username": "ADA@example.com"},
        {"username": "someone", "email": " Ada@Example.com"},
        {"username": "someone", "third_party": "101"},
    ],
    ids=["username", "email", "user ID"],
)
def test_somebody_here_is_recognised_by_each_identifier(office: Office, here: dict[str, str]) -> None:
    user_id = office.user("Ada Lovelace", **here)
    run = office.sync(ADA, BOB)
    assert counters(run) == {"found": 2, "linked": 1, "imported": 1}
    assert office.remembered()["101"].user_id == user_id
    assert (office.line(run, "101").kind, office.line(run, "101").user_id) == ("linked", user_id)
    assert office.users()[here["username"]].status == "active"
    assert counters(office.sync()) == {"found": 2, "unchanged": 2}


@pytest.mark.parametrize(
    "here",
    [
        {"username": "LT-20"},
        {"username": "x-y", "email": "lt-20"},
        {"username": "x-y", "third_party": "lt-20"},
    ],
    ids=["username", "email", "user ID"],
)
def test_the_identifier_column_is_compared_with_username_email_and_user_id(
    office: Office, here: dict[str, str]
) -> None:
    user_id = office.user("Ada Lovelace", **here)
    office.configure(identifier_column="staff")
    run = office.sync(person("101", "Ada Lovelace", "ada@example.com", staff=" Lt-20 "))
    assert counters(run) == {"found": 1, "linked": 1}
    assert office.remembered()["101"].user_id == user_id


def test_an_inactive_user_is_linked_and_renamed_and_stays_inactive(office: Office) -> None:
    office.user("A. Byron", "ada@example.com", status="inactive")
    run = office.sync(ADA)
    assert counters(run) == {"found": 1, "renamed": 1}
    line = office.line(run, "101")
    assert (line.kind, line.before, line.after, line.detail) == (
        "renamed",
        "A. Byron",
        "Ada Lovelace",
        {"inactive": True, "named_by": None},  # nobody had named them: an undo says so again
    )
    user = office.users()["ada@example.com"]
    assert (user.status, user.name) == ("inactive", "Ada Lovelace")


def test_users_of_another_contract_are_never_matched(office: Office) -> None:
    other = office.another()
    other.user("Somebody else", "ada@example.com", third_party="101")
    run = office.sync(ADA)
    assert counters(run) == {"found": 1, "imported": 1}
    assert other.users()["ada@example.com"].name == "Somebody else"


def test_each_reason_for_a_conflict_and_for_leaving_out_is_counted_and_told(office: Office) -> None:
    office.user("One", "both@example.com")
    office.user("Two", "two", third_party="203")
    office.sync(ADA)
    run = office.sync(
        ADA,
        person("202", "Ada again", "ada@example.com"),
        person("203", "Fits two", "both@example.com"),
        person("204", "Shares", "team@example.com"),
        person("205", "Shares too", "TEAM@example.com"),
        person("206", "x" * 256, "long.name@example.com"),
        person("207", "Long email", "e" * 250 + "@x.example"),
        person("8", "Nothing usable"),
    )
    assert run.state == "completed_with_warnings"
    assert run.reasons == {
        "already_linked": 1,
        "email_too_long": 1,
        "name_too_long": 1,
        "no_username": 1,
        "same_value": 2,
        "several_users": 1,
    }
    assert counters(run) == {"found": 8, "unchanged": 1, "conflicts": 4, "left_out": 3}
    assert adds_up(run)
    told = {line.remote_id: (line.kind, line.reason) for line in office.lines(run)}
    assert told == {
        "202": ("conflict", "already_linked"),
        "203": ("conflict", "several_users"),
        "204": ("conflict", "same_value"),
        "205": ("conflict", "same_value"),
        "206": ("left_out", "name_too_long"),
        "207": ("left_out", "email_too_long"),
        "8": ("left_out", "no_username"),
    }
    assert office.line(run, "202").detail == {
        "linked_to": "101",
        "candidates": [office.users()["ada@example.com"].id],
    }
    assert "2 people share an identifier with someone else." in (run.message or "")
    assert {remote_id for remote_id, entry in office.remembered().items() if entry.user_id is None} == set(
        told
    )
    again = office.sync()  # they are told every time, and nothing else happens
    assert (again.reasons, counters(again)) == (run.reasons, counters(run))


def test_a_taken_username_and_an_empty_identifier_are_told(office: Office) -> None:
    office.user("Ada elsewhere", "ada@example.com")
    office.configure(identifier_column="staff")
    run = office.sync(
        person("101", "Ada", "ada@example.com", staff="LT-1"), person("102", "Bob", "bob@example.com")
    )
    assert run.reasons == {"identifier_empty": 1, "username_taken": 1}
    assert counters(run) == {"found": 2, "conflicts": 1, "left_out": 1}


def test_a_conflict_that_was_cleared_away_is_imported_by_the_next_run(office: Office) -> None:
    office.sync(ADA, person("204", "Shares", "team@example.com"), person("205", "Too", "team@example.com"))
    run = office.sync(
        ADA, person("204", "Shares", "team@example.com"), person("205", "Too", "own@example.com")
    )
    assert counters(run) == {"found": 3, "unchanged": 1, "imported": 2}
    assert {entry.outcome for entry in office.remembered().values()} == {"linked"}


# ------------------------------------------------------------------ leaving and coming back
def test_who_vanished_is_marked_and_who_returns_is_told_and_nobody_is_removed(office: Office) -> None:
    office.sync(ADA, BOB, CYN)
    gone = office.sync(ADA, CYN)
    assert counters(gone) == {"found": 2, "unchanged": 2, "missing": 1}
    assert office.changes(gone) == [("102", "missing")]
    assert office.remembered()["102"].missing_since is not None
    assert office.users()["bob@example.com"].status == "pending"
    still_gone = office.sync()
    assert (counters(still_gone), office.changes(still_gone)) == ({"found": 2, "unchanged": 2}, [])
    back = office.sync(ADA, BOB, CYN)
    assert counters(back) == {"found": 3, "unchanged": 3, "returned": 1}
    assert office.changes(back) == [("102", "returned")]
    assert office.remembered()["102"].missing_since is None
    assert len(office.users()) == len(office.remembered()) == 3


def test_who_returns_under_another_name_is_renamed_and_told_to_be_back(office: Office) -> None:
    office.sync(ADA, BOB)
    office.sync(ADA)
    run = office.sync(ADA, person("102", "Bob Bit", "bob@example.com"))
    assert office.changes(run) == [("102", "renamed"), ("102", "returned")]
    assert counters(run) == {"found": 2, "unchanged": 1, "renamed": 1, "returned": 1}


# ------------------------------------------------------------------ failing without writing
def assert_nothing_written(office: Office) -> None:
    assert office.users() == {}
    assert office.remembered() == {}


def test_an_identifier_column_that_nobody_has_fails_and_names_the_columns(office: Office) -> None:
    office.configure(identifier_column="badge")
    run = office.sync(ADA, BOB)
    assert (run.state, run.error_kind) == ("failed", "identifier_absent")
    assert run.message == (
        "Nobody in the list has the identifier column “badge”. Nobody was changed. "
        "Choose one of these columns, or leave it blank: email, id, job_title."
    )
    assert_nothing_written(office)
    assert office.integration.connection == "connected"


def test_another_account_than_the_one_connected_breaks_the_connection(office: Office) -> None:
    office.platform.account_id, office.platform.account_name = "workspace-2", "w" * 255
    run = office.sync(ADA)
    assert (run.state, run.error_kind) == ("failed", "wrong_account")
    assert office.platform.reads == 0
    assert_nothing_written(office)
    integration = office.integration
    assert integration.connection == "broken"
    assert (run.message or "").startswith(integration.connection_message or "-")


def test_refused_access_breaks_the_connection_and_pauses_the_schedule(office: Office) -> None:
    office.sync(ADA)
    office.platform.account_error = AccessDenied("Intercom refused our token: it was revoked.")
    run = office.sync()
    assert (run.state, run.error_kind) == ("failed", "access_denied")
    assert run.message == (
        "Intercom refused our token: it was revoked. Nobody was changed. "
        "An administrator must reconnect to resume."
    )
    integration = office.integration
    assert (integration.connection, integration.connection_message) == ("broken", run.message)
    office.configure(next_run_at=utcnow())
    assert office.tick(utcnow()).due == 0
    assert office.sync_settings.enabled
    assert set(office.users()) == {"ada@example.com"}


def test_a_connection_made_anew_while_the_old_token_fails_is_not_broken(office: Office) -> None:
    def reconnect() -> None:
        with write_connection() as connection:
            connection.execute(sa.update(Integration).values(connected_at=utcnow()))

    office.platform.meanwhile, office.platform.error = reconnect, AccessDenied("Refused.")
    assert office.sync(ADA).state == "failed"
    assert office.integration.connection == "connected"


@pytest.mark.parametrize(
    ("error", "kind"),
    [(Unavailable("Intercom could not be reached."), "unavailable"), (BadResponse("Odd."), "bad_response")],
)
def test_a_list_that_cannot_be_read_fails_the_run_and_writes_nothing(
    office: Office, error: Exception, kind: str
) -> None:
    office.platform.error = error
    run = office.sync(ADA)
    assert (run.state, run.error_kind) == ("failed", kind)
    assert (run.message or "").startswith(f"{error} Nobody was changed.")
    assert_nothing_written(office)
    assert office.integration.connection == "connected"
    assert office.sync_settings.last_success_at is None
    assert [call.path for call in office.calls(run)] == ["/account", "/people"]


@pytest.mark.parametrize(
    "error",
    [Unavailable("It does not answer."), AccessDenied("The token was revoked.")],
    ids=["unavailable", "revoked"],
)
def test_a_second_attempt_that_fails_does_not_say_that_nobody_was_changed(
    office: Office, error: ConnectorError
) -> None:
    office.platform.people_there = [person(str(n), f"Person {n}", f"p{n}@example.com") for n in range(9)]
    run = office.request()
    with pytest.raises(Killed), killed_after(office.engine, run, 4):
        office.work(run)
    office.take_back(run)
    office.platform.error = error
    office.work(run)
    run = office.run(run.id)
    assert (run.state, run.imported) == ("failed", 3)
    assert (run.message or "").startswith(f"{error} People dealt with before that keep their changes.")


def test_a_reason_longer_than_there_is_room_for_still_ends_the_run(office: Office) -> None:
    office.platform.account_error = AccessDenied("It says: " + "no " * 900)
    run = office.sync(ADA)
    assert (run.state, run.error_kind) == ("failed", "access_denied")
    assert (run.message or "").endswith("Nobody was changed. An administrator must reconnect to resume.")
    assert office.integration.connection == "broken"


def test_a_fault_of_our_own_fails_the_run_with_a_reference(office: Office) -> None:
    office.platform.error = ZeroDivisionError("odd")
    run = office.request()
    with pytest.raises(ZeroDivisionError):
        office.work(run)
    run = office.run(run.id)
    assert (run.state, run.error_kind, run.reference) == ("failed", "unexpected", f"RUN-{run.id}-1")
    assert (run.reference or "?") in (run.message or "")


def test_one_person_listed_twice_with_different_content_fails_the_run(office: Office) -> None:
    office.sync(ADA, BOB)
    run = office.sync(ADA, BOB, person("101", "Ada Double", "double@example.com"))
    assert (run.state, run.error_kind) == ("failed", "bad_response")
    assert run.message == (
        "The list of teammates names somebody twice, so it cannot be trusted. Nobody was changed. "
        "The next scheduled run tries again; Sync now tries at once."
    )
    assert {user.name for user in office.users().values()} == {"Ada Lovelace", "Bob Byte"}


def test_who_is_listed_as_a_person_and_set_aside_at_once_fails_the_run(office: Office) -> None:
    office.sync(ADA, BOB)
    office.platform.set_aside = [LeftOut("101", "Ada", None, "bot")]
    assert office.sync().error_kind == "bad_response"


@pytest.mark.parametrize("why", ["feature", "connection"])
def test_a_run_that_may_not_go_ahead_any_more_is_cancelled_when_it_starts(office: Office, why: str) -> None:
    run = office.request()
    with write_transaction() as session:
        if why == "feature":
            session.execute(
                sa.delete(ContractFeature).where(ContractFeature.contract_id == office.contract_id)
            )
        else:
            session.execute(
                sa.update(Integration)
                .where(Integration.id == office.integration_id)
                .values(connection="not_connected", credentials=None)
            )
    office.platform.people_there = [ADA]
    office.work(run)
    run = office.run(run.id)
    assert run.state == "cancelled"
    assert (run.message or "").endswith("Nobody was changed.")
    assert_nothing_written(office)


# ------------------------------------------------------------------ changes meanwhile
def test_a_username_taken_while_the_list_is_read_ends_in_a_conflict_and_the_others_are_imported(
    office: Office,
) -> None:
    """The plan is made after the list was read, so it sees who came meanwhile."""
    office.configure(identifier_column="staff")
    office.platform.meanwhile = lambda: office.user("Newcomer", "bob@example.com")
    run = office.sync(
        person("101", "Ada", "ada@example.com", staff="1"), person("102", "Bob", "bob@example.com", staff="2")
    )
    assert counters(run) == {"found": 2, "imported": 1, "conflicts": 1}
    assert run.reasons == {"username_taken": 1}


def test_a_username_taken_between_two_batches_makes_a_new_plan(office: Office) -> None:
    office.configure(identifier_column="staff")
    office.batch_size = 1
    office.platform.people_there = [
        person(str(100 + n), f"Person {n}", f"p{n}@example.com", staff=str(n)) for n in range(4)
    ]
    run = office.request()
    with between_batches(office, run, lambda: office.user("Newcomer", "p3@example.com")):
        office.work(run)
    run = office.run(run.id)
    assert counters(run) == {"found": 4, "imported": 3, "conflicts": 1}
    assert office.changes(run) == [(str(100 + n), "imported") for n in range(3)] + [("103", "conflict")]
    assert run.done == run.total == 4


def test_b4_users_who_never_stop_changing_make_the_run_wait_for_a_moment_and_not_fail(office: Office) -> None:
    office.configure(identifier_column="staff")
    office.batch_size = 100
    office.platform.people_there = [
        person(str(100 + n), f"Person {n}", f"p{n}@example.com", staff=str(n)) for n in range(60)
    ]
    run = office.request()
    numbers = iter(range(60))

    def take_next_username() -> bool:
        office.user("Newcomer", f"p{next(numbers)}@example.com")
        return True

    with at_each_pause(office, take_next_username):
        office.work(run)
    waiting = office.run(run.id)
    assert (waiting.state, waiting.attempt, waiting.imported, waiting.error_kind) == ("queued", 2, 0, None)
    assert waiting.waits_for == "Users kept being changed here while this run wrote."
    assert waiting.not_before is not None
    assert waiting.not_before - utcnow() < timedelta(seconds=10)
    taken = next(numbers)
    office.work(waiting)
    run = office.run(run.id)
    assert (run.state, run.waits_for) == ("completed_with_warnings", None)
    assert counters(run) == {"found": 60, "imported": 60 - taken, "conflicts": taken}


def test_b4_names_saved_between_every_two_batches_hold_nobody_up(office: Office, edited: Edited) -> None:
    """Somebody who came with this run, somebody whom it is about to rename, and somebody of neither."""
    before = [person(f"{n:03}", f"Before {n}", f"p{n}@example.com") for n in range(10)]
    office.sync(*before)
    apart = office.user("Apart", "apart@example.com", status="pending")
    there = [person(f"{n:03}", f"Person {n}", f"p{n}@example.com") for n in range(40)]
    office.platform.people_there = there
    run = office.request()
    saves = iter(range(1000))

    def save() -> bool:
        number = next(saves)
        users = office.users()
        last = max(users.values(), key=lambda user: user.id)
        for user_id in (apart, last.id, users[f"p{9 - number % 3}@example.com"].id):
            edited(user_id, name=f"Saved {number}")
        return True

    with between_all_batches(office, run, save):
        office.work(run)
    run = office.run(run.id)
    assert next(saves) > 10
    assert (run.state, run.found, run.imported, run.attempt) == ("completed", 40, 30, 1), run.message
    lines = Counter(office.changes(run))
    assert all(lines[one.remote_id, "imported"] == 1 for one in there[10:])
    assert lines.total() == len(lines)
    renamed = {line.remote_id: line for line in office.lines(run) if line.kind == "renamed"}
    assert {one.remote_id for one in there[:10]} <= set(renamed)
    assert len(office.remembered()) == len(office.users()) - 2 == 40  # two were no part of the list
    assert all(
        (line.before or "").startswith("Saved") or line.before == f"Before {int(remote_id)}"
        for remote_id, line in renamed.items()
    )


def test_b4_a_change_of_those_who_come_next_is_seen_and_the_others_go_on(
    office: Office, edited: Edited
) -> None:
    """A user gets the email of somebody who is about to be imported: recognised instead, and nobody is there twice."""
    here = office.user("Nobody Yet", "nobody@example.com")
    office.platform.people_there = [person(f"{n:03}", f"Person {n}", f"p{n}@example.com") for n in range(12)]
    run = office.request()
    with between_batches(office, run, lambda: edited(here, email="p7@example.com"), done=3):
        office.work(run)
    run = office.run(run.id)
    assert (run.state, run.imported, run.renamed) == ("completed", 11, 1)
    assert office.remembered()["007"].user_id == here
    assert office.users()["nobody@example.com"].name == "Person 7"


def test_b4_a_save_that_changes_nothing_makes_no_run_look_again(office: Office, edited: Edited) -> None:
    here = office.user("Ada", "ada@example.com", status="pending")
    before = office.integration.link_changes
    edited(here)
    assert office.integration.link_changes == before
    edited(here, name="Ada Lovelace")
    assert office.integration.link_changes == before + 1
