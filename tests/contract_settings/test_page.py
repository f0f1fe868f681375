"""The Contract settings page."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, make_actor
from tests.users.pages import open_page
from tests.users.world import World, make_world
from webapp.core.models import Contract

PATH = "/c/acme/settings"


@pytest.fixture
def world(app: Flask) -> World:
    return make_world(app)


@pytest.fixture
def administrator(app: Flask, world: World) -> Actor:
    return make_actor(app, world.contract_id, "administrator")


def stored(world: World) -> tuple[str, str]:
    where = Contract.id == world.contract_id
    return world.scalar(sa.select(Contract.name).where(where)), world.scalar(
        sa.select(Contract.time_zone).where(where)
    )


def test_name_and_time_zone_are_changed_and_written_down(world: World, administrator: Actor) -> None:
    page = open_page(administrator, PATH)
    assert "1 of 60 licences in use." in page.response.text
    assert "Integrations On" in page.text
    page = page.form("/settings").fill(name="  Acme   Ltd ", time_zone="Europe/Oslo").send("Save settings")
    assert "The settings are saved." in page.notices
    assert stored(world) == ("Acme Ltd", "Europe/Oslo")
    assert "Acme Ltd" in page.root.one(class_="contract-only").text
    (event,) = world.audit("contract.settings_changed")
    assert event.details == {
        "name": {"before": "Contract acme", "after": "Acme Ltd"},
        "time zone": {"before": "Europe/London", "after": "Europe/Oslo"},
    }
    again = page.form("/settings").send("Save settings")
    assert "Nothing was changed." in again.notices
    assert len(world.audit("contract.settings_changed")) == 1


def test_what_cannot_be_is_said_and_what_was_typed_stays(world: World, administrator: Actor) -> None:
    before = stored(world)
    for values, says in (
        ({"name": "ab"}, "Name: The name must have 3 to 255 characters."),
        ({"name": "Bell\a"}, "Name: Take out the characters that cannot be seen."),
        ({"time_zone": "Mars/Base"}, "Time zone: “Mars/Base” is not a time zone."),
        ({"time_zone": "localtime"}, "Time zone: “localtime” is not a time zone."),
        ({"name": "Acme\u202eLtd"}, "Name: Take out the characters that cannot be seen."),
    ):
        page = open_page(administrator, PATH).form("/settings").fill(**values).send("Save settings")
        assert page.response.status_code == 422
        assert says in page.notices
    assert stored(world) == before


def test_a_form_opened_before_another_change_is_refused_with_how_it_is_now(
    world: World, administrator: Actor
) -> None:
    stale = open_page(administrator, PATH)
    open_page(administrator, PATH).form("/settings").fill(name="Acme Ltd").send("Save settings")
    page = stale.form("/settings").fill(time_zone="UTC").send("Save settings")
    assert page.response.status_code == 409
    assert "The name is Acme Ltd and the time zone Europe/London now." in page.notices
    assert stored(world) == ("Acme Ltd", "Europe/London")
    page.form("/settings").send("Save settings")
    assert stored(world) == ("Contract acme", "UTC")
