"""Ignoring pending people: they stay out of lists and of later syncs until somebody takes it back."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, make_actor
from tests.sync.office import Office, open_office
from tests.sync.people import person
from tests.users.pages import Page, open_page
from tests.users.world import World
from webapp.core.models import Contract, Exclusion, db


def ignoring(actor: Actor, url: str, ids: list[int]) -> Page:
    """Tick them in the list of pending users, and confirm."""
    form = open_page(actor, f"{url}?status=pending").form("/users/activate")
    return form.fill(ids=ids).send("Ignore").form("/ignore/confirm").send("Ignore")


def statuses(office: Office) -> dict[str, str]:
    """Of everybody but whoever looks after them."""
    return {user.name: user.status for user in office.users().values() if user.account_id is None}


def test_who_is_ignored_is_left_out_of_later_syncs_until_that_is_taken_back(app: Flask) -> None:
    people = [person("1", "Anna Kim", "anna@example.com"), person("2", "Bartek Nowak", "b@example.com")]
    with app.app_context():
        office = open_office(app)
        office.sync(*people)
        anna = office.users_id("anna@example.com")
        slug = db.session.get_one(Contract, office.contract_id).slug
    manager, url = make_actor(app, office.contract_id, "administrator"), f"/c/{slug}/users"

    page = ignoring(manager, url, [anna])
    assert (
        page.notices == "Anna Kim is ignored now. They are listed under Ignored, where it can be taken back."
    )
    assert page.names == ["Bartek Nowak"]
    with app.app_context():
        run = office.sync(person("1", "Anna Lund", "anna@example.com"), people[1])
        line = office.line(run, "1")
        assert (line.kind, line.reason) == ("left_out", "excluded")
        assert statuses(office) == {"Anna Kim": "ignored", "Bartek Nowak": "pending"}
        office.sync(people[1])  # gone for a while, and back again
        office.sync(*people)
        assert statuses(office) == {"Anna Kim": "ignored", "Bartek Nowak": "pending"}

    ignored = open_page(manager, f"{url}?status=ignored")
    assert ignored.names == ["Anna Kim"]
    asked = ignored.form("/ignored/take-back").fill(ids=[anna]).send("Take back")
    assert asked.root.one("h1").text == "Take back Anna Kim?"
    assert asked.form("/take-back/confirm").send("Take back").notices == "Anna Kim is pending again."
    with app.app_context():
        assert db.session.scalars(sa.select(Exclusion)).all() == []
        office.sync(person("1", "Anna Lund", "anna@example.com"), people[1])
        assert statuses(office) == {"Anna Lund": "pending", "Bartek Nowak": "pending"}


def test_who_is_ignored_while_a_run_reads_the_list_is_left_out_by_it(app: Flask) -> None:
    with app.app_context():
        office = open_office(app)
        office.sync(person("1", "Anna Kim", "anna@example.com"))
        anna = office.users_id("anna@example.com")
        slug = db.session.get_one(Contract, office.contract_id).slug
    manager = make_actor(app, office.contract_id, "administrator")
    with app.app_context():
        office.platform.meanwhile = lambda: ignoring(manager, f"/c/{slug}/users", [anna])
        run = office.sync(person("1", "Anna Lund", "anna@example.com"))
        assert office.line(run, "1").kind == "left_out"
        assert statuses(office) == {"Anna Kim": "ignored"}


def test_taking_back_the_exclusion_takes_back_that_they_are_ignored(world: World, manager: Actor) -> None:
    (anna,) = world.add("Anna Kim")
    ignoring(manager, world.url, [anna])
    boss = make_actor(world.app, world.contract_id, "administrator")
    path = f"/c/{world.slug}/integrations/platforms/intercom/exclusions"
    assert "Anna Kim" in open_page(boss, path).text
    exclusion = world.scalar(sa.select(Exclusion.id))
    boss.post(f"{path}/{exclusion}/take-back")
    assert world.statuses([anna]) == ["pending"]
    assert len(world.audit("users.ignoring_undone")) == 1


def test_the_tab_is_there_once_somebody_is_ignored_and_nobody_ignored_can_be_activated(
    world: World, manager: Actor
) -> None:
    anna, bartek = world.add("Anna Kim", "Bartek Nowak")
    (carla,) = world.add("Carla Diaz", linked=False)
    tabs = lambda page: page.root.one("nav", aria_label="User status").text  # noqa: E731
    assert "Ignored" not in tabs(open_page(manager, world.url))
    page = ignoring(manager, world.url, [anna, carla])
    assert "Ignored 2" in tabs(page)
    assert "Pending 1" in tabs(page)
    data: dict[str, object] = {"status": "pending", "ids": [anna], "confirm": "y", "roles": 1}
    manager.post(f"{world.url}/activate/confirm", data)
    assert world.statuses([anna, bartek, carla]) == ["ignored", "pending", "ignored"]
    assert (
        "Somebody decided that they are not to be activated" in open_page(manager, f"{world.url}/{anna}").text
    )
    (event,) = world.audit("users.ignored")
    assert event.details == {"users": ["Anna Kim", "Carla Diaz"], "ids": f"{anna}, {carla}"}

    everybody = open_page(manager, f"{world.url}?status=ignored&select=all").form("/ignored/take-back")
    asked = everybody.send("Take back").form("/take-back/confirm")
    ignoring(manager, world.url, [bartek])
    refused = asked.send("Take back")
    assert "2 people matched when you looked, 3 do now." in refused.notices
    open_page(manager, f"{world.url}/{bartek}").form("/take-back/confirm").send("Take back")
    assert asked.send("Take back").notices == "2 people are pending again."
    assert world.statuses([anna, carla]) == ["pending", "pending"]
    assert world.scalar(sa.select(sa.func.count()).select_from(Exclusion)) == 0


def test_somebody_activated_meanwhile_is_named_and_nobody_is_ignored(world: World, manager: Actor) -> None:
    anna, bartek = world.add("Anna Kim", "Bartek Nowak")
    form = open_page(manager, f"{world.url}?status=pending").form("/users/activate")
    page = form.fill(ids=[anna, bartek]).send("Ignore")
    world.set_status([anna], "active")
    refused = page.form("/ignore/confirm").send("Ignore")
    assert refused.response.status_code == 409
    assert "Anna Kim became active just now" in refused.notices
    assert world.statuses([anna, bartek]) == ["active", "pending"]


def test_everybody_on_a_list_is_ignored_if_they_are_still_who_was_shown(world: World, manager: Actor) -> None:
    world.add("Anna Kim", "Anna Lund", "Bartek Nowak")
    form = open_page(manager, f"{world.url}?status=pending&q=anna&select=all").form("/users/activate")
    page = form.send("Ignore")
    assert page.root.one("h1").text == "Ignore 2 people?"
    (late,) = world.add("Anna Meier")
    refused = page.form("/ignore/confirm").send("Ignore")
    assert "2 people matched when you looked, 3 do now." in refused.notices
    done = refused.form("/ignore/confirm").send("Ignore")
    assert world.statuses([late]) == ["ignored"]
    assert done.response.request.args.to_dict() == {"status": "pending", "q": "anna"}
    assert open_page(manager, f"{world.url}?status=pending").names == ["Bartek Nowak"]
