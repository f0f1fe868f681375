"""Deactivating: what ends, what stays, and whom nobody can deactivate."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, make_actor
from tests.users.pages import Page, open_page
from tests.users.test_activation import agents
from tests.users.test_licences import at_once
from tests.users.world import World
from webapp.core.models import Account, RolePermission, User, utcnow
from webapp.core.permissions import MANAGE_INTEGRATIONS, MANAGE_ROLES, MANAGE_SECURITY, VIEW_AUDIT
from webapp.people.activation.activate import activate
from webapp.people.activation.deactivate import deactivate
from webapp.people.directory.filters import Filters
from webapp.people.directory.selection import Selection


def ticked(actor: Actor, world: World, ids: list[int]) -> Page:
    """The question about those ticked on the list."""
    form = open_page(actor, f"{world.url}?status=active").form("/users/deactivate")
    return form.fill(ids=ids).send("Deactivate")


def confirmed(page: Page, **values: object) -> Page:
    return page.form("/deactivate/confirm").fill(**({"confirm": "y"} | values)).send("Deactivate")


def active(world: World, *names: str) -> list[int]:
    """Active agents in Billing who may also see Leeds."""
    ids = world.add(*names, status="active")
    world.give(ids, role="agent", team="Billing", access="Leeds")
    return ids


def test_roles_teams_and_access_end_and_the_licence_is_free(world: World, manager: Actor) -> None:
    anna, bartek, carla = active(world, "Anna Kim", "Bartek Nowak", "Carla Diaz")

    page = ticked(manager, world, [anna, bartek])
    assert page.root.one("h1").text == "Deactivate 2 users?"
    assert world.statuses([anna, bartek]) == ["active", "active"]
    result = confirmed(page)

    assert world.statuses([anna, bartek, carla]) == ["inactive", "inactive", "active"]
    assert world.set_up_of(anna) == (set(), set(), set())
    assert world.set_up_of(carla)[0] == {world.roles["agent"]}
    assert result.notices == "2 people are inactive now. 58 of 60 licences are free."
    assert result.names == ["Bartek Nowak", "Anna Kim"]


def test_fewer_licences_than_are_used_leave_none_rather_than_less(world: World, manager: Actor) -> None:
    anna, bartek, carla = active(world, "Anna Kim", "Bartek Nowak", "Carla Diaz")
    world.set_licences(2)
    result = confirmed(ticked(manager, world, [anna]))
    assert result.notices == "Anna Kim is inactive now. 0 of 2 licences are free."
    confirmed(ticked(manager, world, [bartek]))
    assert confirmed(ticked(manager, world, [carla])).notices.endswith("1 of 2 licences is free.")


def test_the_audit_log_says_who_was_deactivated(world: World, manager: Actor) -> None:
    ids = active(world, "Anna Kim")
    confirmed(ticked(manager, world, ids))
    (event,) = world.audit("users.deactivated")
    assert (event.target, event.target_type, event.target_id) == ("Anna Kim", "user", ids[0])
    assert event.details == {"users": ["Anna Kim"], "ids": str(ids[0])}


def test_everybody_no_longer_in_intercom_is_deactivated_at_once(world: World, manager: Actor) -> None:
    gone = world.add("Anna Kim", "Bartek Nowak", status="active", missing_since=utcnow())
    stays = active(world, "Carla Diaz")

    query = "status=active&missing=intercom"
    page = open_page(manager, f"{world.url}?{query}&select=all")
    assert page.names == ["Anna Kim", "Bartek Nowak"]
    assert page.text.count("No longer in Intercom since") == 2
    result = confirmed(page.form("/users/deactivate").send("Deactivate"))

    (back,) = [link.attrs["href"] for link in result.root.all("a") if link.text == "Back to the list"]
    assert back == f"{world.url}?{query}"
    assert world.statuses(gone + stays) == ["inactive", "inactive", "active"]


def test_an_open_session_ends_with_the_next_request(app: Flask, world: World, administrator: Actor) -> None:
    leaver = make_actor(app, world.contract_id, "manager")
    assert leaver.get(world.url).status_code == 200
    confirmed(ticked(administrator, world, [world.user_of(leaver.account_id)]))
    assert leaver.get(world.url).location.startswith("/sign-in")


def test_nobody_deactivates_themselves(world: World, manager: Actor) -> None:
    me = world.user_of(manager.account_id)
    ids = active(world, "Anna Kim")

    page = ticked(manager, world, [me, *ids])

    assert "you cannot deactivate yourself" in page.notices
    assert page.root.one("h1").text == "Deactivate Anna Kim?"
    answer = confirmed(page, ids=[me, *ids])
    assert answer.response.status_code == 409
    assert "Nobody was changed: one person cannot be deactivated" in answer.notices
    assert world.statuses([me, *ids]) == ["active", "active"]

    confirmed(answer)
    assert world.statuses([me, *ids]) == ["active", "inactive"]


def test_a_manager_does_not_deactivate_an_administrator(
    world: World, manager: Actor, administrator: Actor
) -> None:
    boss = world.user_of(administrator.account_id)
    page = ticked(manager, world, [boss])
    assert "they may do more than you" in page.notices
    assert page.root.one("h1").text == "Users"
    sent = manager.post(f"{world.url}/deactivate/confirm", {"status": "active", "ids": boss, "confirm": "y"})
    assert sent.status_code == 302
    assert world.statuses([boss]) == ["active"]


def test_among_everybody_those_who_cannot_go_are_named_and_stay(
    world: World, manager: Actor, administrator: Actor
) -> None:
    me, boss = world.user_of(manager.account_id), world.user_of(administrator.account_id)
    ids = active(world, "Anna Kim", "Bartek Nowak")

    page = (
        open_page(manager, f"{world.url}?status=active&select=all")
        .form("/users/deactivate")
        .send("Deactivate")
    )
    assert page.root.one("h1").text == "Deactivate 2 users?"
    assert "you cannot deactivate yourself" in page.notices
    assert "they may do more than you" in page.notices
    confirmed(page)

    assert world.statuses([me, boss, *ids]) == ["active", "active", "inactive", "inactive"]


def test_the_last_administrator_who_can_sign_in_stays(world: World, administrator: Actor) -> None:
    """Somebody else may hold every permission without being an administrator, and would be left alone with it."""
    boss = world.user_of(administrator.account_id)
    (helper,) = world.add("Anna Kim", status="active")
    world.give([helper], role="administrator")  # nobody signs in as them
    deputy = make_actor(world.app, world.contract_id, "manager")
    for permission in (MANAGE_INTEGRATIONS, MANAGE_ROLES, MANAGE_SECURITY, VIEW_AUDIT):
        world.change(sa.insert(RolePermission).values(role_id=world.roles["manager"], permission=permission))

    page = ticked(deputy, world, [boss])
    assert "one administrator who can sign in has to stay" in page.notices

    confirmed(ticked(deputy, world, [helper]))
    assert world.statuses([boss, helper]) == ["active", "inactive"]

    second = world.user_of(make_actor(world.app, world.contract_id, "administrator").account_id)
    confirmed(ticked(deputy, world, [boss]))
    assert world.statuses([boss, second]) == ["inactive", "active"]


def test_an_administrator_whose_account_is_closed_does_not_count(world: World, administrator: Actor) -> None:
    closed = make_actor(world.app, world.contract_id, "administrator")
    world.change(sa.update(Account).where(Account.id == closed.account_id).values(disabled_at=utcnow()))
    boss, other = world.user_of(administrator.account_id), world.user_of(closed.account_id)
    confirmed(ticked(administrator, world, [other]))
    assert world.statuses([boss, other]) == ["active", "inactive"]


def test_someone_deactivated_meanwhile_is_named(world: World, manager: Actor) -> None:
    anna, bartek = active(world, "Anna Kim", "Bartek Nowak")
    page = ticked(manager, world, [anna, bartek])
    world.set_status([anna], "inactive")

    page = confirmed(page)

    assert page.response.status_code == 409
    assert "Anna Kim became inactive just now" in page.notices
    assert world.statuses([bartek]) == ["active"]


def test_a_list_that_grew_is_confirmed_anew(world: World, manager: Actor) -> None:
    world.add("Anna Kim", status="active", missing_since=utcnow())
    page = (
        open_page(manager, f"{world.url}?status=active&missing=any&select=all")
        .form("/users/deactivate")
        .send("D")
    )
    ids = world.add("Bartek Nowak", status="active", missing_since=utcnow())

    page = confirmed(page)

    assert page.response.status_code == 409
    assert "1 people matched when you looked, 2 do now." in page.notices
    assert world.statuses(ids) == ["active"]


def test_nobody_is_deactivated_before_the_box_is_ticked(world: World, manager: Actor) -> None:
    ids = active(world, "Anna Kim")
    page = confirmed(ticked(manager, world, ids), confirm=None)
    assert page.response.status_code == 422
    assert "Tick the box to confirm who is deactivated." in page.text
    assert world.statuses(ids) == ["active"]


def test_pending_people_cannot_be_deactivated(world: World, manager: Actor) -> None:
    ids = world.add("Anna Kim")
    data: dict[str, object] = {"status": "pending", "ids": ids, "confirm": "y"}
    assert manager.post(f"{world.url}/deactivate/confirm", data).status_code == 404
    assert manager.post(f"{world.url}/deactivate", data).status_code == 404
    assert world.statuses(ids) == ["pending"]


def test_five_thousand_people_are_deactivated_in_one_go(world: World, manager: Actor) -> None:
    ids = world.add_many(5_001, "active")
    page = open_page(manager, f"{world.url}?status=active&platform=&q=person&select=all")
    question = page.form("/users/deactivate").send("Deactivate")
    result = confirmed(question)
    assert "people are inactive now" in result.notices
    assert set(world.statuses(ids)) == {"inactive"}


def test_activating_and_deactivating_the_same_person_at_once_ends_in_one_of_both(
    world: World, manager: Actor
) -> None:
    me = world.user_of(manager.account_id)
    (anna,) = world.add("Anna Kim", status="inactive")

    def activating() -> object:
        with world.app.app_context():
            selection = Selection(Filters("inactive"), ids=(anna,))
            return activate(world.contract_id, selection, agents(world), by_user_id=me)

    def deactivating() -> object:
        with world.app.app_context():
            return deactivate(world.contract_id, Selection(Filters("active"), ids=(anna,)), by_user_id=me)

    at_once([activating, deactivating])

    roles = world.set_up_of(anna)[0]
    status = world.scalar(sa.select(User.status).where(User.id == anna))
    assert (status, bool(roles)) in (("active", True), ("inactive", False))
