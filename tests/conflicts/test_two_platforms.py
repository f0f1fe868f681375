"""Somebody in two platforms is one user with two links, and one of the platforms names them."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.actors import Actor
from tests.sync.office import EVERY, Office, Platform
from tests.sync.people import person
from webapp.core.credentials import seal
from webapp.core.database import write_transaction
from webapp.core.models import Integration, UserSync, utcnow


@pytest.fixture
def desk(app: Flask, office: Office) -> Office:
    """A second platform of the same contract, connected later."""
    now = utcnow()
    with write_transaction() as session:
        integration = Integration(
            contract_id=office.contract_id, platform="zendesk", connection="not_connected", name_rank=1
        )
        integration.user_sync = UserSync(enabled=True, enabled_at=now, next_run_at=now + EVERY)
        session.add(integration)
        session.flush()
        integration.credentials = seal(integration, {"access_token": "secret"})
        integration.connection, integration.connected_at = "connected", now
        integration.remote_account_id, integration.remote_account_name = "desk", "desk.zendesk.com"
        integration_id = integration.id
    return Office(app, office.contract_id, integration_id, Platform(account_id="desk"))


THERE = person("1", "Ada Lovelace", "ada@example.com")
DESK = person("900", "Ada King", "ADA@example.com")


def name(office: Office) -> str:
    return office.users()["ada@example.com"].name


def test_a_human_in_both_is_one_user_with_two_links(office: Office, desk: Office) -> None:
    office.sync(THERE)
    run = desk.sync(DESK)
    assert (run.state, run.imported, run.linked, run.renamed) == ("completed", 0, 1, 0)
    user = office.users()["ada@example.com"]
    assert office.remembered()["1"].user_id == desk.remembered()["900"].user_id == user.id
    assert user.name == "Ada Lovelace"


def test_names_do_not_go_to_and_fro(office: Office, desk: Office) -> None:
    office.sync(THERE)
    desk.sync(DESK)
    for _ in range(2):
        assert (office.sync().renamed, desk.sync().renamed) == (0, 0)
    assert desk.sync(person("900", "Ada K.", "ADA@example.com")).renamed == 0
    assert office.sync(person("1", "Ada Byron", "ada@example.com")).renamed == 1
    assert name(office) == "Ada Byron"


def test_the_other_names_them_once_the_first_lists_them_no_more(office: Office, desk: Office) -> None:
    others = [person(str(n), f"P {n}", f"p{n}@example.com") for n in range(100, 110)]
    office.sync(THERE, *others)
    desk.sync(DESK)
    assert office.sync(*others).missing == 1
    assert desk.sync().renamed == 1
    assert name(office) == "Ada King"
    assert office.sync(THERE, *others).returned == 1
    office.sync()
    assert name(office) == "Ada Lovelace"


def test_which_platform_comes_first_is_a_setting(
    office: Office, desk: Office, slug: str, admin: Actor
) -> None:
    office.sync(THERE)
    desk.sync(DESK)
    platforms = f"/c/{slug}/integrations/platforms"
    assert "Whose names win" in admin.get(platforms).text
    answer = admin.post(f"{platforms}/zendesk/names-first", follow_redirects=True)
    assert "Names come from Zendesk first" in answer.text
    assert desk.sync().renamed == 1
    assert office.sync().renamed == 0
    assert name(office) == "Ada King"
    assert "Let names come first from" in admin.get(f"/c/{slug}/audit").text


def test_a_platform_without_a_name_for_them_does_not_stand_in_the_way(office: Office, desk: Office) -> None:
    office.sync(person("1", None, "ada@example.com"))
    assert desk.sync(DESK).renamed == 1
    assert name(office) == "Ada King"
