"""One user's page: who they are, where their name comes from, and what a sync did to them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from tests.actors import Actor, make_actor
from tests.users.pages import open_page
from tests.users.world import World, make_world
from webapp.core import contracts
from webapp.core.database import write_transaction
from webapp.core.models import Contract, SyncChange, SyncRun, utcnow
from webapp.core.permissions import INTEGRATIONS


@pytest.fixture
def renamed(world: World) -> tuple[int, int]:
    """A user whom a run renamed, and the run."""
    (anna,) = world.add("Anna Kim-Lund", status="active")
    with world.app.app_context(), write_transaction() as session:
        run = SyncRun(
            contract_id=world.contract_id, integration_id=world.intercom, trigger="manual", state="completed"
        )
        session.add(run)
        session.flush()
        session.add(
            SyncChange(
                run_id=run.id,
                kind="renamed",
                remote_id="1",
                person_name="Anna Kim-Lund",
                user_id=anna,
                before="Anna Kim",
                after="Anna Kim-Lund",
            )
        )
        return anna, run.id


def test_it_says_who_they_are_and_what_they_may_do(world: World, manager: Actor) -> None:
    (anna,) = world.add("Anna Kim", status="active")
    world.give([anna], role="agent", team="Billing", access="Leeds")
    page = open_page(manager, f"{world.url}/{anna}")
    assert page.root.one("h1").text == "Anna Kim"
    for words in (
        "Active", "anna.kim@acme.example", f"Third-party ID {70_000 + anna}", "Roles Agent",
        "Team Leeds › Phone › Billing", "Reporting access Leeds", "Came from Intercom",
        f"User ID there {70_000 + anna}",
    ):  # fmt: skip
        assert words.replace(" ", "") in page.text.replace(" ", "")


def test_it_says_that_a_name_typed_here_is_overwritten(world: World, manager: Actor) -> None:
    (anna,) = world.add("Anna Kim")
    words = "From Intercom. A name typed here by hand is overwritten by the next sync."
    assert words in open_page(manager, f"{world.url}/{anna}").text
    (bartek,) = world.add("Bartek Nowak", linked=False)
    page = open_page(manager, f"{world.url}/{bartek}")
    assert "overwritten" not in page.text
    assert "Not linked to anyone on a platform." in page.text


def test_it_shows_what_a_run_did_and_leads_to_it(
    world: World, manager: Actor, renamed: tuple[int, int]
) -> None:
    anna, run = renamed
    page = open_page(manager, f"{world.url}/{anna}")
    section = page.root.one("section", id="changes")
    assert "Renamed: Changed from Anna Kim→to Anna Kim-Lund" in section.text
    (link,) = section.all("a")
    assert link.text == f"Run {run}"
    assert manager.get(link.attrs["href"]).status_code == 200


def test_a_run_is_named_but_not_linked_for_those_who_may_not_open_it(
    app: Flask, world: World, renamed: tuple[int, int]
) -> None:
    manager = make_actor(app, world.contract_id, "manager")
    with app.app_context(), write_transaction() as session:
        contracts.set_feature(session, session.get_one(Contract, world.contract_id), INTEGRATIONS, on=False)
    section = open_page(manager, f"{world.url}/{renamed[0]}").root.one("section", id="changes")
    assert f"Run {renamed[1]}" in section.text
    assert not section.all("a")


def test_a_person_who_left_the_platform_is_marked(world: World, manager: Actor) -> None:
    (anna,) = world.add("Anna Kim", status="active", missing_since=utcnow() - timedelta(hours=2))
    page = open_page(manager, f"{world.url}/{anna}")
    assert "No longer in Intercom" in page.notices
    assert "not found them there since" in page.notices


def test_its_button_leads_to_the_next_step(world: World, manager: Actor) -> None:
    for status, label, title in (
        ("pending", "Activate…", "Activate Anna pending"),
        ("inactive", "Reactivate…", "Reactivate Anna inactive"),
        ("active", "Deactivate…", "Deactivate Anna active?"),
    ):
        (anna,) = world.add(f"Anna {status}", status=status)
        page = open_page(manager, f"{world.url}/{anna}")
        (button,) = [link for link in page.root.all("a") if link.text == label]
        assert open_page(manager, button.attrs["href"]).root.one("h1").text == title


def test_ones_own_page_offers_no_deactivation(world: World, manager: Actor) -> None:
    page = open_page(manager, f"{world.url}/{world.user_of(manager.account_id)}")
    assert "This is you." in page.text
    assert "Deactivate" not in page.text


def test_users_of_other_contracts_and_ids_nobody_has_are_not_found(
    app: Flask, world: World, manager: Actor
) -> None:
    (eve,) = make_world(app, "other").add("Eve Stranger")
    missing = manager.get(f"{world.url}/4000000")
    for number in (eve, 0, 2**63 - 1, 2**63, 10**40):
        answer = manager.get(f"{world.url}/{number}")
        assert answer.status_code == 404
        assert "Eve" not in answer.text
    assert missing.status_code == 404


def test_an_inactive_person_keeps_nothing_but_their_history(world: World, manager: Actor) -> None:
    (anna,) = world.add("Anna Kim", status="inactive")
    text = open_page(manager, f"{world.url}/{anna}").text
    assert "ended when they were deactivated" in text
