"""People whom matching cannot place: shown with their candidates, decided once, done by the next run, remembered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from tests.actors import Actor, make_contract
from tests.sync.office import Office
from tests.sync.people import person
from webapp.core.database import write_transaction
from webapp.core.models import AuditEvent, Decision, Exclusion, Integration, Person, User, db
from webapp.integrations.user_sync.exclusion_service import exclude_emails
from webapp.sync.exclusions import exclude_person

ADA = person("1", "Ada Lovelace", "ada@example.com")


def conflict_id(office: Office, remote_id: str = "1") -> int:
    found = office.remembered()[remote_id]
    assert found.outcome == "conflict"
    return found.id


@pytest.fixture
def torn(office: Office) -> tuple[int, int]:
    """Ada matches two users: one by her email, another by her ID there."""
    first = office.user("Ada Lovelace", "ada@example.com")
    second = office.user("A. L. (old)", "ada-old", third_party="1")
    run = office.sync(ADA, person("2", "Grace Hopper", "grace@example.com"))
    assert (run.state, run.conflicts, run.imported) == ("completed_with_warnings", 1, 1)
    return first, second


def test_the_page_shows_who_why_and_which_identifiers_agree(
    office: Office, slug: str, admin: Actor, torn: tuple[int, int]
) -> None:
    page = admin.get(f"/c/{slug}/conflicts").text
    assert "Ada Lovelace" in page
    assert "Matches more than one user" in page
    assert "A. L. (old)" in page
    assert "Agrees: Third-party ID." in page
    assert "1 open" in page


def test_linking_is_done_by_the_next_run_and_explained_there(
    office: Office, slug: str, admin: Actor, torn: tuple[int, int]
) -> None:
    answer = admin.post(
        f"/c/{slug}/conflicts/{conflict_id(office)}", {"choice": str(torn[1])}, follow_redirects=True
    )
    assert "they are A. L. (old)" in answer.text
    run = office.sync()
    assert (run.state, run.renamed, run.conflicts) == ("completed", 1, 0)
    line = office.line(run, "1")
    assert (line.kind, line.before, line.after) == ("renamed", "A. L. (old)", "Ada Lovelace")
    assert (line.detail or {})["decided_by"]
    assert office.remembered()["1"].user_id == torn[1]
    assert office.sync().unchanged == 2
    page = admin.get(f"/c/{slug}/sync-status/runs/{run.id}").text
    assert "decided" in page


def test_someone_new_without_a_username_that_is_free_is_asked_about_again(
    office: Office, slug: str, admin: Actor, torn: tuple[int, int]
) -> None:
    admin.post(f"/c/{slug}/conflicts/{conflict_id(office)}", {"choice": "new"})
    run = office.sync()
    assert (run.state, run.imported, run.conflicts) == ("completed_with_warnings", 0, 1)
    user_id = office.remembered()["1"].user_id
    # "ada@example.com" is taken and "1" is too short to be a username: the conflict is asked about again
    assert user_id is None
    assert office.remembered()["1"].reason == "username_taken"


def test_someone_new_is_imported_under_their_next_name(office: Office, slug: str, admin: Actor) -> None:
    office.user("Someone Else", "ada@example.com")
    office.user("Another", "another", email="ada@example.com")
    office.sync(person("4711", "Ada Lovelace", "ada@example.com"))
    admin.post(f"/c/{slug}/conflicts/{conflict_id(office, '4711')}", {"choice": "new"})
    run = office.sync()
    assert (run.imported, run.conflicts) == (1, 0)
    assert office.users()["4711"].name == "Ada Lovelace"


def test_leaving_out_stops_the_asking_and_can_be_taken_back(
    office: Office, slug: str, admin: Actor, torn: tuple[int, int]
) -> None:
    admin.post(f"/c/{slug}/conflicts/{conflict_id(office)}", {"choice": "exclude"})
    run = office.sync()
    assert (run.state, run.conflicts, run.left_out, run.reasons) == ("completed", 0, 1, {"excluded": 1})
    assert "No open conflicts" in admin.get(f"/c/{slug}/conflicts").text
    exclusion = db.session.scalars(sa.select(Exclusion)).one()
    answer = admin.post(
        f"/c/{slug}/integrations/platforms/intercom/exclusions/{exclusion.id}/take-back",
        follow_redirects=True,
    )
    assert "Ada Lovelace is no longer excluded" in answer.text
    assert office.sync().conflicts == 1


def test_who_is_left_out_is_asked_about_no_more_although_no_run_has_been_since(
    office: Office, slug: str, admin: Actor, torn: tuple[int, int]
) -> None:
    person_id = conflict_id(office)
    admin.post(f"/c/{slug}/conflicts/{person_id}", {"choice": "exclude"})
    assert "No open conflicts" in admin.get(f"/c/{slug}/conflicts").text
    for choice in ("exclude", "new", str(torn[0])):
        answer = admin.post(f"/c/{slug}/conflicts/{person_id}", {"choice": choice}, follow_redirects=True)
        assert "had been decided or matched meanwhile" in answer.text
    run = office.sync()
    assert (run.conflicts, run.left_out, run.reasons) == (0, 1, {"excluded": 1})


def test_leaving_out_once_more_after_a_run_that_planned_before_is_harmless(
    office: Office, slug: str, admin: Actor, torn: tuple[int, int]
) -> None:
    person_id = conflict_id(office)
    admin.post(f"/c/{slug}/conflicts/{person_id}", {"choice": "exclude"})
    with write_transaction() as session:  # as such a run leaves it
        session.get_one(Person, person_id, populate_existing=True).outcome = "conflict"
    answer = admin.post(f"/c/{slug}/conflicts/{person_id}", {"choice": "exclude"}, follow_redirects=True)
    assert "had been decided or matched meanwhile" in answer.text
    db.session.rollback()
    assert len(db.session.scalars(sa.select(Exclusion)).all()) == 1


def test_a_user_cannot_be_promised_to_two_people(office: Office, slug: str, admin: Actor) -> None:
    shared = office.user("Support", "support@example.com")
    people = [person(str(n), f"Person {n}", "support@example.com") for n in (1, 2)]
    assert office.sync(*people).conflicts == 2
    admin.post(f"/c/{slug}/conflicts/{conflict_id(office, '1')}", {"choice": str(shared)})
    answer = admin.post(
        f"/c/{slug}/conflicts/{conflict_id(office, '2')}", {"choice": str(shared)}, follow_redirects=True
    )
    assert "linked or promised to somebody else" in answer.text
    run = office.sync()
    assert (run.renamed, run.conflicts) == (1, 1)
    assert office.remembered()["1"].user_id == shared


def test_many_are_decided_at_once_or_none(
    office: Office, slug: str, admin: Actor, torn: tuple[int, int]
) -> None:
    office.user("X", "x-user", email="x@example.com")
    office.user("X too", "x-other", email="x@example.com")
    office.sync(ADA, person("3", "X", "x@example.com"))
    ids = [conflict_id(office), conflict_id(office, "3")]
    assert (
        admin.post(f"/c/{slug}/conflicts/many", {"choice": "exclude", "ids": [*ids, 10**12]}).status_code
        == 404
    )
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Exclusion)) == 0
    answer = admin.post(f"/c/{slug}/conflicts/many", {"choice": "exclude", "ids": ids}, follow_redirects=True)
    assert "2 people stay out" in answer.text
    db.session.rollback()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Exclusion)) == 2


def test_a_second_answer_changes_nothing(
    office: Office, slug: str, admin: Actor, torn: tuple[int, int]
) -> None:
    person_id = conflict_id(office)
    admin.post(f"/c/{slug}/conflicts/{person_id}", {"choice": str(torn[0])})
    answer = admin.post(f"/c/{slug}/conflicts/{person_id}", {"choice": "new"}, follow_redirects=True)
    assert "had been decided" in answer.text
    db.session.rollback()
    assert db.session.scalars(sa.select(Decision.user_id)).all() == [torn[0]]


def test_nothing_chosen_saves_nothing_and_keeps_the_filters(
    office: Office, slug: str, admin: Actor, torn: tuple[int, int]
) -> None:
    answer = admin.post(f"/c/{slug}/conflicts/{conflict_id(office)}", {"keep_q": "ada & co"})
    assert answer.location == f"/c/{slug}/conflicts?q=ada+%26+co"
    db.session.rollback()
    assert db.session.scalars(sa.select(Decision)).all() == []


def test_a_user_who_is_no_candidate_is_refused(
    office: Office, slug: str, admin: Actor, torn: tuple[int, int]
) -> None:
    stranger = office.user("Stranger", "stranger")
    answer = admin.post(f"/c/{slug}/conflicts/{conflict_id(office)}", {"choice": str(stranger)})
    assert answer.status_code == 404


def test_a_decision_is_forgotten_before_it_was_done(
    office: Office, slug: str, admin: Actor, torn: tuple[int, int]
) -> None:
    admin.post(f"/c/{slug}/conflicts/{conflict_id(office)}", {"choice": str(torn[0])})
    page = admin.get(f"/c/{slug}/conflicts?show=decided").text
    assert "Waits for the next run" in page
    db.session.rollback()
    decision = db.session.scalars(sa.select(Decision)).one()
    admin.post(f"/c/{slug}/conflicts/decisions/{decision.id}/forget")
    assert office.sync().conflicts == 1


def test_every_decision_is_in_the_audit_log(
    office: Office, slug: str, admin: Actor, torn: tuple[int, int]
) -> None:
    admin.post(f"/c/{slug}/conflicts/{conflict_id(office)}", {"choice": str(torn[0])})
    db.session.rollback()
    event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "conflict.decided")).one()
    assert event.target == "Ada Lovelace"
    assert (event.details or {})["decision"] == "is the user Ada Lovelace"


def test_another_contract_cannot_see_or_decide(
    app: Flask, office: Office, slug: str, torn: tuple[int, int], actor_of: Callable[[int], Actor]
) -> None:
    stranger = actor_of(make_contract(app, "other"))
    assert stranger.get(f"/c/{slug}/conflicts").status_code == 404
    assert stranger.post(f"/c/other/conflicts/{conflict_id(office)}", {"choice": "new"}).status_code == 404
    db.session.rollback()
    assert db.session.scalars(sa.select(Decision)).all() == []


# ------------------------------------------------------------------ exclusions by email
def exclusions(slug: str) -> str:
    return f"/c/{slug}/integrations/platforms/intercom/exclusions"


@pytest.mark.parametrize(
    ("given", "pattern"),
    [
        ("*@Partner.Example", "*@partner.example"),
        ("partner.example", "*@partner.example"),
        (" temp-?@example.com ", "temp-?@example.com"),
    ],
)
def test_a_pattern_leaves_out_whom_it_fits(
    office: Office, slug: str, admin: Actor, given: str, pattern: str
) -> None:
    answer = admin.post(exclusions(slug), {"pattern": given}, follow_redirects=True)
    assert f"{pattern} is excluded" in answer.text
    run = office.sync(
        person("1", "Ada", "ada@example.com"),
        person("2", "Out", "OUT@partner.example"),
        person("3", "Temp", "temp-7@example.com"),
    )
    assert (run.state, run.left_out) == ("completed", 1)
    assert run.reasons == {"excluded_email": 1}


@pytest.mark.parametrize(
    "given", ["", "*", "*@*", "a@b@c", "[a-z]@example.com", "a b@example.com", "x" * 300]
)
def test_a_pattern_that_makes_no_sense_comes_back(
    office: Office, slug: str, admin: Actor, given: str
) -> None:
    answer = admin.post(exclusions(slug), {"pattern": given})
    assert answer.status_code == 422
    db.session.rollback()
    assert db.session.scalars(sa.select(Exclusion)).all() == []


def test_excluding_somebody_who_is_here_keeps_them_as_they_are(
    office: Office, slug: str, admin: Actor
) -> None:
    office.sync(ADA)
    admin.post(exclusions(slug), {"pattern": "example.com"})
    run = office.sync(person("1", "Ada King", "ada@example.com"))
    assert (run.state, run.left_out, run.renamed, run.missing) == ("completed", 1, 0, 0)
    assert office.users()["ada@example.com"].name == "Ada Lovelace"
    assert office.sync().left_out == 1
    db.session.rollback()
    exclusion = db.session.scalars(sa.select(Exclusion)).one()
    admin.post(f"{exclusions(slug)}/{exclusion.id}/take-back")
    run = office.sync()
    assert (run.renamed, run.left_out) == (1, 0)
    assert office.users()["ada@example.com"].name == "Ada King"


def test_a_linked_person_excluded_by_name_is_left_alone_from_the_next_run_on(office: Office) -> None:
    office.sync(ADA)
    with write_transaction() as session:
        exclude_person(session, session.scalars(sa.select(Person)).one(), "somebody")
    run = office.sync()
    assert (run.state, run.left_out, run.unchanged) == ("completed", 1, 0)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(User)) == 1


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)  # SQLite has one writer at a time
def test_a_pattern_that_somebody_adds_at_the_same_moment_is_there_once(office: Office) -> None:
    """Ours waits for the other's transaction."""
    waiting = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    integration = office.integration
    answers: list[tuple[str, bool]] = []

    def add() -> None:
        with office.app.app_context():
            ours = db.session.get_one(Integration, office.integration_id)
            answers.append(exclude_emails(ours, "partner.example", by="Second"))

    thread = threading.Thread(target=add)
    with Session(db.engine) as other, db.engine.connect() as watching:
        other.add(
            Exclusion(
                contract_id=integration.contract_id,
                integration_id=office.integration_id,
                kind="email",
                value="*@partner.example",
                created_by="First",
            )
        )
        other.flush()
        thread.start()
        while thread.is_alive() and not watching.scalar(waiting):
            watching.rollback()
            time.sleep(0.01)
        other.commit()
    thread.join(30)
    assert answers == [("*@partner.example", False)]
