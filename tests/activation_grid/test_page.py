"""The grid as a manager uses it: a set-up for each, suggestions, and that all are activated or nobody."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from tests.actors import Actor, make_actor
from tests.users.pages import Page, open_page
from tests.users.world import World
from webapp.core.models import Person
from webapp.people.activation import grid

CONFIRM = "/activate/each/confirm"


def opened(actor: Actor, world: World, ids: list[int]) -> Page:
    """The grid of those ticked on the Pending list."""
    form = open_page(actor, f"{world.url}?status=pending").form("/users/activate")
    return form.fill(ids=ids).send("Activate").form("/activate/confirm").send("A set-up for each")


def agent(world: World, user_id: int, team: str = "Leeds › Phone › Billing") -> dict[str, object]:
    return {f"roles-{user_id}": [world.roles["agent"]], f"team-{user_id}": team}


def there(world: World, ids: list[int], team: str) -> None:
    """They are all in one team of Intercom."""
    columns = {"columns": {}, "team": team}
    world.change(sa.update(Person).where(Person.user_id.in_(ids)).values(attributes=columns))


def test_each_gets_what_stands_in_their_row(world: World, manager: Actor) -> None:
    anna, bartek = world.add("Anna Kim", "Bartek Nowak")
    page = opened(manager, world, [anna, bartek])
    assert page.root.one("h1").text == "Activate 2 pending users"

    leader = {f"roles-{bartek}": [world.roles["team_leader"]], f"access-{bartek}": "Leeds; Porto"}
    done = page.form(CONFIRM).fill(**agent(world, anna, "billing"), **leader, confirm="y").send("Activate")

    assert "2 people are active now, each as you set them up. 57 of 60 licences are left." in done.notices
    assert world.statuses([anna, bartek]) == ["active", "active"]
    assert world.set_up_of(anna) == ({world.roles["agent"]}, {world.teams["Billing"]}, set())
    assert world.set_up_of(bartek) == (
        {world.roles["team_leader"]}, set(), {world.teams["Leeds"], world.teams["Porto"]},
    )  # fmt: skip
    (event,) = world.audit("users.activated")
    assert (event.details or {})["each"] == [
        {"given": "Agent in Leeds › Phone › Billing", "users": ["Anna Kim"], "ids": str(anna)},
        {"given": "Team Leader, sees Leeds, Porto", "users": ["Bartek Nowak"], "ids": str(bartek)},
    ]


def test_the_log_says_who_got_what_and_a_persons_history_only_what_they_got(
    world: World, manager: Actor
) -> None:
    ids = world.add(*(f"Person {number:02d}" for number in range(55)))
    given: dict[str, object] = {}
    for user_id in ids[:54]:
        given |= agent(world, user_id)
    given |= agent(world, ids[54], "Porto")
    opened(manager, world, ids).form(CONFIRM).fill(**given, confirm="y").send("Activate")

    admin = make_actor(world.app, world.contract_id, "administrator")
    log = open_page(admin, f"/c/{world.slug}/audit")
    assert "Agent in Leeds › Phone › Billing: Person 00, Person 01" in log.text
    assert "Person 53" in log.text
    assert "Agent in Porto: Person 54" in log.text
    for path in (f"{world.url}/{ids[54]}", f"{world.url}/{ids[54]}/history"):
        own = open_page(manager, path)
        assert "Agent in Porto" in own.text
        assert "Billing" not in own.text
        assert "Person 53" not in own.text


def test_suggestions_are_shown_with_their_reason_and_used_only_when_asked_for(
    world: World, manager: Actor
) -> None:
    here = world.add("Dara Osei", "Emil Berg", "Fay Hall", status="active")
    world.give(here, role="agent", team="Billing")
    anna, bartek, carla = world.add("Anna Kim", "Bartek Nowak", "Carla Diaz")
    there(world, [*here, anna, bartek], "Tier 2")
    there(world, [carla], "Porto")

    page = opened(manager, world, [anna, bartek, carla])
    assert (
        "Suggested: Agent in Leeds › Phone › Billing. "
        "All 3 people whose team or role in Intercom is Tier 2 have this." in page.text
    )
    assert "Suggested: Agent in Porto. Their team in Intercom is called Porto." in page.text
    assert not [name for name in page.form(CONFIRM).values if name.startswith("roles-")]

    own = {f"roles-{bartek}": [world.roles["team_leader"]], f"access-{bartek}": "Leeds"}
    filled = page.form(CONFIRM).fill(**own).send("Fill empty rows from suggestions")
    values = filled.form(CONFIRM).values
    assert values[f"team-{anna}"] == ["Leeds › Phone › Billing"]
    assert values[f"team-{carla}"] == ["Porto"]
    assert values[f"roles-{bartek}"] == [str(world.roles["team_leader"])]
    assert "Filled in 2 rows from suggestions" in filled.notices
    assert world.statuses([anna, bartek, carla]) == ["pending"] * 3

    filled.form(CONFIRM).fill(confirm="y").send("Activate")
    assert world.statuses([anna, bartek, carla]) == ["active"] * 3


def test_what_was_typed_once_is_filled_in_below_and_nobody_is_activated_by_it(
    world: World, manager: Actor
) -> None:
    ids = world.add("Anna Kim", "Bartek Nowak", "Carla Diaz")
    page = opened(manager, world, ids)
    none = page.form(CONFIRM).send("Fill empty rows like the one above")
    assert "Nothing to fill in: no empty row has a filled one above it" in none.notices

    filled = none.form(CONFIRM).fill(**agent(world, ids[0])).send("Fill empty rows like the one above")
    assert "Filled in 2 rows like the one above" in filled.notices
    assert world.statuses(ids) == ["pending"] * 3

    filled.form(CONFIRM).fill(confirm="y").send("Activate")
    assert world.statuses(ids) == ["active"] * 3
    assert [world.set_up_of(one) for one in ids] == [
        ({world.roles["agent"]}, {world.teams["Billing"]}, set())
    ] * 3


def test_what_is_missing_is_said_by_row_and_nothing_typed_is_lost(world: World, manager: Actor) -> None:
    anna, bartek = world.add("Anna Kim", "Bartek Nowak")
    page = opened(manager, world, [anna, bartek])
    half = {f"roles-{bartek}": [world.roles["agent"]], f"team-{bartek}": "Sales"}
    back = page.form(CONFIRM).fill(**agent(world, anna), **half).send("Activate")

    assert back.response.status_code == 422
    assert "Bartek Nowak: “Sales” is not a team here." in back.notices
    assert "Tick the box to confirm" in back.notices
    values = back.form(CONFIRM).values
    assert (values[f"team-{bartek}"], values[f"roles-{anna}"]) == (["Sales"], [str(world.roles["agent"])])
    assert world.statuses([anna, bartek]) == ["pending", "pending"]


def test_past_the_licence_nobody_is_activated_and_who_would_stay_is_named(
    world: World, manager: Actor
) -> None:
    world.set_licences(2)  # the manager has one of them
    anna, bartek = world.add("Anna Kim", "Bartek Nowak")
    page = opened(manager, world, [anna, bartek])
    assert "2 chosen, 1 free: Bartek Nowak would stay pending." in page.notices

    form = page.form(CONFIRM).fill(**agent(world, anna), **agent(world, bartek), confirm="y")
    refused = form.send("Activate")
    assert refused.response.status_code == 409
    assert "Nobody was changed: not enough licences: 2 chosen, 1 free" in refused.notices
    assert world.statuses([anna, bartek]) == ["pending", "pending"]

    fewer = refused.form(CONFIRM).fill(ids=[bartek]).send("Leave out who is not ticked")
    assert fewer.form(CONFIRM).values[f"team-{bartek}"] == ["Leeds › Phone › Billing"]
    fewer.form(CONFIRM).send("Activate")
    assert world.statuses([anna, bartek]) == ["pending", "active"]

    # one person alone has no button to leave somebody out, so there is no word of it
    alone = open_page(manager, f"{world.url}/activate/each?status=pending&ids={anna}")
    assert "1 chosen, none free: Anna Kim would stay pending." in alone.notices
    assert "Leave out" not in alone.text


def test_nobody_gives_more_than_they_may_do(world: World, manager: Actor) -> None:
    (anna,) = world.add("Anna Kim")
    there = opened(manager, world, [anna, *world.add("Bartek Nowak")])
    above = {f"roles-{anna}": [world.roles["administrator"]], f"access-{anna}": "Leeds"}
    refused = there.form(CONFIRM).fill(ids=[anna], **above, confirm="y").send("Activate")
    assert "You cannot give Administrator: it permits more than you may do yourself." in refused.notices
    assert world.statuses([anna]) == ["pending"]


def test_somebody_who_is_not_pending_any_more_stops_all(world: World, manager: Actor) -> None:
    anna, bartek = world.add("Anna Kim", "Bartek Nowak")
    form = opened(manager, world, [anna, bartek]).form(CONFIRM)
    world.set_status([bartek], "inactive")
    refused = form.fill(**agent(world, anna), **agent(world, bartek), confirm="y").send("Activate")
    assert "Nobody was changed: one person is not pending any more" in refused.notices
    assert world.statuses([anna]) == ["pending"]


def test_of_a_long_list_the_first_are_in_the_grid(
    world: World, manager: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.people.activation.grid_views.MOST", 2)
    assert grid.MOST == 100
    ids = world.add("Anna Kim", "Bartek Nowak", "Carla Diaz", "Dara Osei", "Emil Berg")
    page = opened(manager, world, ids)
    assert "2 people now, 3 after them" in page.notices
    page = page.form(CONFIRM).send("Leave out who is not ticked")
    form = page.form(CONFIRM).fill(**agent(world, ids[0]), **agent(world, ids[1]), confirm="y")
    world.set_status(ids[2:3], "inactive")  # is not waited for any more
    page = form.send("Activate")
    assert world.statuses(ids) == ["active", "active", "inactive", "pending", "pending"]
    assert "2 people are active now, each as you set them up." in page.notices
    assert page.root.one("h1").text == "Activate 2 pending users"
    assert "after them" not in page.notices
    page.form(CONFIRM).fill(**agent(world, ids[3]), **agent(world, ids[4]), confirm="y").send("Activate")
    assert world.statuses(ids[3:]) == ["active", "active"]
