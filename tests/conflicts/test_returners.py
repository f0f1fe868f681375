"""Somebody who was gone comes back: under their old ID they are recognised, under a new one somebody is asked."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.actors import Actor
from tests.sync.office import Office, between_batches
from tests.sync.people import person
from webapp.core.models import AuditEvent, db

ADA = person("1", "Ada Lovelace", "ada@example.com")
NEW = person("77", "Ada King", "ADA@example.com")
CROWD = [person(str(n), f"P {n}", f"p{n}@example.com") for n in range(100, 110)]


@pytest.fixture
def user_id(office: Office) -> int:
    """Ada was imported; then she left."""
    office.sync(ADA, *CROWD)
    found = office.remembered()["1"].user_id
    assert found is not None
    return found


def links(office: Office) -> dict[str, int | None]:
    people = office.remembered()
    return {one: people[one].user_id for one in ("1", "77") if one in people}


def page(admin: Actor, slug: str) -> str:
    return " ".join(admin.get(f"/c/{slug}/conflicts").text.split())


def test_the_same_id_is_recognised_and_the_mark_disappears(office: Office, user_id: int) -> None:
    assert office.sync(*CROWD).missing == 1
    assert office.remembered()["1"].missing_since is not None
    run = office.sync(ADA, *CROWD)
    assert (run.returned, run.imported, run.conflicts) == (1, 0, 0)
    ada = office.remembered()["1"]
    assert (ada.user_id, ada.missing_since, ada.outcome) == (user_id, None, "linked")


@pytest.mark.parametrize("at_once", [True, False])
def test_a_new_id_with_the_same_email_is_proposed_and_never_done_by_itself(
    office: Office, user_id: int, at_once: bool
) -> None:
    if not at_once:
        office.sync(*CROWD)
    run = office.sync(NEW, *CROWD)
    assert (run.conflicts, run.imported, run.linked) == (1, 0, 0)
    assert office.remembered()["77"].reason == "came_back"
    assert office.sync().conflicts == 1
    assert links(office) == {"1": user_id, "77": None}


def test_while_the_old_one_is_listed_it_is_an_ordinary_conflict(office: Office, user_id: int) -> None:
    office.sync(ADA, NEW, *CROWD)
    assert office.remembered()["77"].reason == "already_linked"
    office.sync(NEW, *CROWD)
    assert office.remembered()["77"].reason == "came_back"
    office.sync(ADA, NEW, *CROWD)
    assert office.remembered()["77"].reason == "already_linked"


def test_one_click_moves_the_link_and_the_next_run_does_the_rest(
    office: Office, slug: str, admin: Actor, user_id: int
) -> None:
    office.sync(NEW, *CROWD)
    text = page(admin, slug)
    assert "Probably the same person, who came back under a new ID" in text
    assert "Intercom listed them as Ada Lovelace" in text
    assert "Same person: move the link" in text
    person_id = office.remembered()["77"].id
    answer = admin.post(f"/c/{slug}/conflicts/{person_id}", {"choice": str(user_id)}, follow_redirects=True)
    assert "they are Ada Lovelace" in answer.text
    assert links(office) == {"1": None, "77": None}
    run = office.sync()
    assert (run.renamed, run.conflicts, run.imported) == (1, 0, 0)
    assert (office.line(run, "77").detail or {})["decided_by"]
    assert links(office) == {"1": None, "77": user_id}
    decided = " ".join(admin.get(f"/c/{slug}/conflicts?show=decided").text.split())
    assert "who came back: the link moved from ID 1" in decided
    event = db.session.scalars(sa.select(AuditEvent).where(AuditEvent.action == "conflict.decided")).one()
    assert (event.details or {})["link moved from ID"] == "1"
    assert office.sync().unchanged == 11


def test_forgetting_before_a_run_moves_the_link_back(
    office: Office, slug: str, admin: Actor, user_id: int
) -> None:
    office.sync(NEW, *CROWD)
    admin.post(f"/c/{slug}/conflicts/{office.remembered()['77'].id}", {"choice": str(user_id)})
    decided = admin.get(f"/c/{slug}/conflicts?show=decided").text
    (number,) = {part.split("/")[0] for part in decided.split("/decisions/")[1:]}
    admin.post(f"/c/{slug}/conflicts/decisions/{number}/forget")
    assert links(office) == {"1": user_id, "77": None}
    office.sync()
    assert office.remembered()["77"].reason == "came_back"


def test_the_old_one_back_in_the_list_takes_nothing_away(
    office: Office, slug: str, admin: Actor, user_id: int
) -> None:
    """Somebody decided, and then both are listed: the new one keeps the link, the old one is asked about."""
    office.sync(NEW, *CROWD)
    admin.post(f"/c/{slug}/conflicts/{office.remembered()['77'].id}", {"choice": str(user_id)})
    run = office.sync(ADA, NEW, *CROWD)
    assert run.conflicts == 1
    assert links(office) == {"1": None, "77": user_id}


def test_a_link_that_is_in_the_list_again_is_not_moved(
    office: Office, slug: str, admin: Actor, user_id: int
) -> None:
    office.sync(NEW, *CROWD)
    person_id = office.remembered()["77"].id
    office.sync(ADA, NEW, *CROWD)
    answer = admin.post(f"/c/{slug}/conflicts/{person_id}", {"choice": str(user_id)}, follow_redirects=True)
    assert "is linked or promised to somebody else there already" in answer.text
    assert links(office) == {"1": user_id, "77": None}


def test_a_run_that_planned_before_the_link_moved_plans_anew(
    office: Office, slug: str, admin: Actor, user_id: int
) -> None:
    office.sync(NEW, *CROWD)
    new_id = office.remembered()["77"].id
    office.platform.people_there = [
        *(person(one.remote_id, f"{one.name}!", one.email) for one in CROWD),
        ADA,
        NEW,
    ]
    run = office.request()

    def decide() -> None:
        admin.post(f"/c/{slug}/conflicts/{new_id}", {"choice": str(user_id)})

    with between_batches(office, run, decide, done=3):
        office.work(run)
    assert office.run(run.id).state == "completed_with_warnings"
    assert list(links(office).values()).count(user_id) == 1
