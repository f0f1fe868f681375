"""Activating many at once: the form, what is refused, and that nothing is ever half done."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, make_actor
from tests.users.pages import Page, open_page
from tests.users.world import World, make_world, statements
from webapp.core.models import RolePermission, Team, UserRole, utcnow
from webapp.core.permissions import MANAGE_SECURITY, Refused
from webapp.people.activation.activate import Beyond, NotInContract, SetUpIncomplete, activate
from webapp.people.directory.filters import Filters
from webapp.people.directory.selection import Selection
from webapp.people.directory.setup import SetUp


def ticked(actor: Actor, world: World, ids: list[int], status: str = "pending") -> Page:
    """The page on which those ticked on the list get their roles."""
    form = open_page(actor, f"{world.url}?status={status}").form("/users/activate")
    return form.fill(ids=ids).send("Activate" if status == "pending" else "Reactivate")


def everybody(actor: Actor, world: World, query: str = "status=pending") -> Page:
    """The page on which everybody on a list gets their roles."""
    return open_page(actor, f"{world.url}?{query}&select=all").form("/users/activate").send("Activate")


def as_agents(page: Page, world: World, **values: object) -> Page:
    """Send the form for agents in Billing."""
    chosen = {"roles": [world.roles["agent"]], "team": world.teams["Billing"], "confirm": "y"} | values
    return page.form("/activate/confirm").fill(**chosen).send("Activate")


def listed(page: Page) -> list[str]:
    """The people in the batch, as its page names them."""
    return [label.text for label in page.root.one("section", aria_labelledby="people-title").all("label")]


def chosen_roles(page: Page) -> list[str]:
    return page.form("/activate/confirm").values.get("roles", [])


# ------------------------------------------------------------------ what it does
def test_ticked_people_become_agents_in_a_team(world: World, manager: Actor) -> None:
    ids = world.add("Dara Osei", "Anna Kim", "Bartek Nowak")

    page = ticked(manager, world, ids[:2])
    assert page.root.one("h1").text == "Activate 2 pending users"
    assert listed(page) == ["Anna Kim", "Dara Osei"]
    result = as_agents(page, world)

    assert world.statuses(ids) == ["active", "active", "pending"]
    assert world.set_up_of(ids[0]) == ({world.roles["agent"]}, {world.teams["Billing"]}, set())
    assert result.notices == (
        "2 people are active now as Agent in Leeds › Phone › Billing. 57 of 60 licences are left. Undo…"
    )
    assert {"Anna Kim", "Dara Osei"} <= set(result.names)
    assert "status=active" in result.response.request.query_string.decode()


def test_several_roles_get_both_a_team_and_reporting_access(world: World, manager: Actor) -> None:
    ids = world.add("Anna Kim")
    both = [world.roles["agent"], world.roles["team_leader"]]

    as_agents(
        ticked(manager, world, ids), world, roles=both, access=[world.teams["Leeds"], world.teams["Porto"]]
    )

    assert world.set_up_of(ids[0]) == (
        set(both),
        {world.teams["Billing"]},
        {world.teams["Leeds"], world.teams["Porto"]},
    )


def test_everybody_on_the_list_is_activated_without_naming_them(world: World, manager: Actor) -> None:
    world.set_licences(6_000)
    ids = world.add_many(5_000)

    page = everybody(manager, world)
    assert page.root.one("h1").text == "Activate 5,000 pending users"
    assert not page.root.all("input", name="ids")
    with statements(world.app) as sent:
        result = as_agents(page, world)

    assert set(world.statuses(ids)) == {"active"}
    assert world.set_up_of(ids[-1]) == ({world.roles["agent"]}, {world.teams["Billing"]}, set())
    assert "5,000 people are active now" in result.notices
    writes = [one for one in sent if one.startswith(("UPDATE users", "INSERT INTO user_roles"))]
    assert len(writes) == 2


def test_everybody_means_those_who_match_the_filters(world: World, manager: Actor) -> None:
    ids = world.add("Anna Kim", "Anna Lund", "Bartek Nowak")

    as_agents(everybody(manager, world, "status=pending&q=anna"), world)

    assert world.statuses(ids) == ["active", "active", "pending"]


def test_whoever_is_unticked_among_everybody_is_left_out_without_script(world: World, manager: Actor) -> None:
    anna, bartek, carla = world.add("Anna Kim", "Bartek Nowak", "Carla Diaz")
    form = open_page(manager, f"{world.url}?status=pending&select=all").form("/users/activate")
    assert form.values["ids"] == [str(anna), str(bartek), str(carla)]

    page = form.fill(ids=[anna, carla]).send("Activate")
    assert page.root.one("h1").text == "Activate 2 pending users"
    as_agents(page, world)

    assert world.statuses([anna, bartek, carla]) == ["active", "pending", "active"]


def test_whoever_is_unticked_on_the_form_is_left_out(world: World, manager: Actor) -> None:
    anna, bartek = world.add("Anna Kim", "Bartek Nowak")

    as_agents(ticked(manager, world, [anna, bartek]), world, ids=[bartek])

    assert world.statuses([anna, bartek]) == ["pending", "active"]


def test_leaving_people_out_counts_again_and_keeps_what_was_typed(world: World, manager: Actor) -> None:
    anna, bartek = world.add("Anna Kim", "Bartek Nowak")
    form = ticked(manager, world, [anna, bartek]).form("/activate/confirm")

    page = form.fill(ids=[bartek], roles=[world.roles["manager"]], access=[world.teams["Chat"]]).send(
        "Leave out"
    )

    assert page.root.one("h1").text == "Activate Bartek Nowak"
    kept = page.form("/activate/confirm").values
    assert kept["roles"] == [str(world.roles["manager"])]
    assert kept["access"] == [str(world.teams["Chat"])]
    assert not page.root.all(class_="field-error")


def test_inactive_people_come_back_through_the_same_form(world: World, manager: Actor) -> None:
    ids = world.add("Anna Kim", status="inactive")

    page = ticked(manager, world, ids, "inactive")
    assert page.root.one("h1").text == "Reactivate Anna Kim"
    chosen = {"roles": [world.roles["agent"]], "team": world.teams["Chat"], "confirm": "y"}
    result = page.form("/activate/confirm").fill(**chosen).send("Reactivate")

    assert world.statuses(ids) == ["active"]
    assert world.set_up_of(ids[0])[1] == {world.teams["Chat"]}
    assert result.root.one("h1").text == "Anna Kim"
    assert len(world.audit("users.reactivated")) == 1


def test_the_audit_log_says_who_was_activated_as_what(world: World, manager: Actor) -> None:
    ids = world.add(*(f"Anna {letter * 3}" for letter in "abcdefgh"))

    as_agents(ticked(manager, world, ids), world, access=[world.teams["Leeds"]])

    (event,) = world.audit("users.activated")
    assert (event.target, event.target_type, event.actor_id) == ("8 users", "users", manager.account_id)
    assert event.details == {
        "roles": ["Agent"],
        "team": ["Leeds › Phone › Billing"],
        "reporting access": ["Leeds"],
        "users": [f"Anna {letter * 3}" for letter in "abcdefgh"],
        "ids": f"{ids[0]}-{ids[-1]}",
    }


def test_the_audit_page_names_people_and_not_their_ids(
    app: Flask, world: World, administrator: Actor
) -> None:
    ids = world.add("Anna Kim", "Bartek Nowak")
    as_agents(ticked(administrator, world, ids), world)

    page = open_page(administrator, f"/c/{world.slug}/audit?action=users.activated")

    assert "Anna Kim, Bartek Nowak" in page.text
    assert f"{ids[0]}-{ids[1]}" not in page.text


# ------------------------------------------------------------------ what the form refuses
INCOMPLETE: tuple[tuple[tuple[str, ...], str, tuple[str, ...], str], ...] = (
    ((), "Billing", (), "Roles: Choose at least one role."),
    (("agent",), "", (), "Team: Choose a team: every agent needs one."),
    (("agent",), "", ("Leeds",), "Team: Choose a team: every agent needs one."),
    (("manager",), "", (), "Reporting access: Choose at least one part of the structure"),
    (("manager",), "Billing", (), "Reporting access: Choose at least one part of the structure"),
    (("agent", "manager"), "Billing", (), "Reporting access: Choose at least one part of the structure"),
    (("agent", "manager"), "", ("Leeds",), "Team: Choose a team: every agent needs one."),
)


def test_a_set_up_that_is_not_complete_comes_back_with_all_that_was_typed(
    world: World, manager: Actor
) -> None:
    ids = world.add("Anna Kim", "Bartek Nowak")
    for roles, team, access, said in INCOMPLETE:
        typed = {
            "roles": [world.roles[role] for role in roles],
            "team": world.teams[team] if team else "",
            "access": [world.teams[name] for name in access],
        }

        page = as_agents(ticked(manager, world, ids), world, **typed)

        assert page.response.status_code == 422
        assert said in page.root.one(data_summary="").text
        kept = page.form("/activate/confirm").values
        assert sorted(kept.get("roles", [])) == sorted(str(role) for role in typed["roles"])
        assert kept["team"] == [str(typed["team"])]
        assert kept.get("access", []) == [str(one) for one in typed["access"]]
        assert kept["ids"] == [str(one) for one in ids]
        assert kept["confirm"] == ["y"]
    assert world.statuses(ids) == ["pending", "pending"]
    assert world.audit("users.activated") == []


def test_every_error_is_tied_to_its_field(world: World, manager: Actor) -> None:
    page = as_agents(ticked(manager, world, world.add("Anna Kim")), world, roles=[], confirm=None)

    links = [link.attrs["href"] for link in page.root.one(data_summary="").all("a")]
    assert len(links) == 2
    for link in links:
        page.root.one(id=link.removeprefix("#"))
    assert "confirm-error" in page.root.one("input", name="confirm").attrs["aria-describedby"]


def test_nobody_is_activated_before_the_box_is_ticked(world: World, manager: Actor) -> None:
    ids = world.add("Anna Kim")
    page = as_agents(ticked(manager, world, ids), world, confirm=None)
    assert page.response.status_code == 422
    assert world.statuses(ids) == ["pending"]


def test_opening_the_form_changes_nothing(world: World, manager: Actor) -> None:
    ids = world.add("Anna Kim")
    ticked(manager, world, ids)
    open_page(
        manager, f"{world.url}/activate?status=pending&ids={ids[0]}&confirm=y&roles={world.roles['agent']}"
    )
    assert world.statuses(ids) == ["pending"]
    assert manager.get(f"{world.url}/activate/confirm").status_code == 405


def test_nobody_gives_a_role_that_may_do_more_than_they(world: World, manager: Actor) -> None:
    ids = world.add("Anna Kim")
    page = ticked(manager, world, ids)
    off = [box.attrs["value"] for box in page.root.all("input", name="roles") if "disabled" in box.attrs]
    assert off == [str(world.roles["administrator"]), str(world.roles["system_access"])]

    page = as_agents(page, world, roles=[world.roles["administrator"]], access=[world.teams["top"]])

    assert page.response.status_code == 422
    assert "You cannot give Administrator" in page.root.one(data_summary="").text
    assert world.statuses(ids) == ["pending"]


def test_an_administrator_gives_every_role(world: World, administrator: Actor) -> None:
    ids = world.add("Anna Kim")
    as_agents(
        ticked(administrator, world, ids),
        world,
        roles=list(world.roles.values()),
        access=[world.teams["top"]],
    )
    assert world.set_up_of(ids[0])[0] == set(world.roles.values())


def test_roles_and_teams_of_another_contract_are_refused(app: Flask, world: World, manager: Actor) -> None:
    other = make_world(app, "other")
    ids = world.add("Anna Kim")
    for foreign in (
        {"roles": [other.roles["agent"]]},
        {"team": other.teams["Billing"]},
        {"access": [other.teams["top"]]},
    ):
        page = as_agents(ticked(manager, world, ids), world, **foreign)
        assert page.response.status_code == 422
    assert world.statuses(ids) == ["pending"]


# ------------------------------------------------------------------ what changed meanwhile
def test_someone_activated_meanwhile_is_named_and_nobody_else_is_activated(
    world: World, manager: Actor
) -> None:
    anna, bartek, carla = world.add("Anna Kim", "Bartek Nowak", "Carla Diaz")
    page = ticked(manager, world, [anna, bartek, carla])
    world.set_status([bartek], "active")

    page = as_agents(page, world)

    assert page.response.status_code == 409
    assert "Nobody was changed: one person is not pending any more" in page.notices
    assert "Bartek Nowak became active just now" in page.notices
    assert world.statuses([anna, bartek, carla]) == ["pending", "active", "pending"]
    assert listed(page) == ["Anna Kim", "Carla Diaz"]

    as_agents(page, world)
    assert world.statuses([anna, carla]) == ["active", "active"]


def test_when_nobody_is_left_the_list_comes_back_and_says_why(world: World, manager: Actor) -> None:
    ids = world.add("Anna Kim")
    page = ticked(manager, world, ids)
    world.set_status(ids, "active")

    page = as_agents(page, world)

    assert page.notices == "Anna Kim is active by now. Nothing was changed."
    assert page.root.one("h1").text == "Users"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (("Anna Kim", "Bartek Nowak"), ("Carla Diaz",), "2 people matched when you looked, 3 do now."),
        (("Anna Kim", "Bartek Nowak"), (), "2 people matched when you looked, 1 do now."),
    ],
)
def test_a_list_that_changed_since_it_was_shown_is_confirmed_anew(
    world: World, manager: Actor, before: tuple[str, ...], after: tuple[str, ...], said: str
) -> None:
    ids = world.add(*before)
    page = everybody(manager, world)
    if after:
        ids += world.add(*after)
    else:
        world.set_status(ids[:1], "inactive")
    statuses = world.statuses(ids)

    page = as_agents(page, world)

    assert page.response.status_code == 409
    assert said in page.notices
    assert world.statuses(ids) == statuses

    as_agents(page, world)
    assert "pending" not in world.statuses(ids)


def test_as_many_people_as_shown_but_others_are_confirmed_anew(world: World, manager: Actor) -> None:
    ids = world.add("Anna Kim", "Bartek Nowak")
    page = everybody(manager, world)
    world.set_status(ids[:1], "active")
    ids += world.add("Carla Diaz")

    page = as_agents(page, world)

    assert "2 people match as before, but not the same ones." in page.notices
    assert world.statuses(ids) == ["active", "pending", "pending"]


def agents(world: World, **changes: frozenset[int] | int | None) -> SetUp:
    """What agents in Billing get."""
    return replace(SetUp(frozenset({world.roles["agent"]}), world.teams["Billing"], frozenset()), **changes)  # type: ignore[arg-type]


def test_a_team_or_role_that_went_meanwhile_is_named_beside_its_field(world: World, manager: Actor) -> None:
    page = ticked(manager, world, world.add("Anna Kim"))
    world.change(sa.update(Team).where(Team.id == world.teams["Billing"]).values(archived_at=utcnow()))
    refused = as_agents(page, world, roles=[world.roles["agent"], 99_999])
    assert refused.response.status_code == 422
    assert "Team: The team that was chosen is archived or not there any more." in refused.notices
    assert "Roles: A role that was chosen is not there any more." in refused.notices
    assert chosen_roles(refused) == [str(world.roles["agent"])]


def test_however_many_are_not_pending_any_more_the_note_fits_into_its_cookie(
    world: World, manager: Actor
) -> None:
    names = [hashlib.sha256(bytes([n])).hexdigest() * 4 for n in range(30)]
    ids = world.add(*(name[:255] for name in names), usernames=[f"user{n}" for n in range(30)], email=False)
    world.set_status(ids, "inactive")
    answer = manager.post(f"{world.url}/activate", {"status": "pending", "ids": ids})
    assert len(answer.headers["Set-Cookie"]) < 4_000
    page = open_page(manager, answer.location)
    assert page.notices.count("is inactive by now.") == 5
    assert "25 others cannot be part of it either. Nothing was changed." in page.notices


def test_a_permission_taken_away_meanwhile_stops_the_activation(world: World, manager: Actor) -> None:
    ids = world.add("Anna Kim")
    me = world.user_of(manager.account_id)
    world.change(sa.delete(UserRole).where(UserRole.user_id == me))

    with world.app.app_context(), pytest.raises(Refused):
        activate(
            world.contract_id, Selection(Filters("pending"), ids=tuple(ids)), agents(world), by_user_id=me
        )
    assert world.statuses(ids) == ["pending"]


def test_the_set_up_is_checked_again_in_the_transaction(app: Flask, world: World, manager: Actor) -> None:
    ids = world.add("Anna Kim")
    me = world.user_of(manager.account_id)
    other = make_world(app, "other")
    everything = frozenset(world.teams.values())
    refused: list[tuple[SetUp, type[Exception]]] = [
        (agents(world, roles=frozenset()), SetUpIncomplete),
        (agents(world, team=None), SetUpIncomplete),
        (agents(world, roles=frozenset({world.roles["manager"]})), SetUpIncomplete),
        (agents(world, roles=frozenset({world.roles["administrator"]}), access=everything), Beyond),
        (agents(world, roles=frozenset({other.roles["agent"]})), NotInContract),
        (agents(world, team=other.teams["Billing"]), NotInContract),
        (agents(world, access=frozenset({other.teams["Leeds"]})), NotInContract),
    ]
    for set_up, error in refused:
        with world.app.app_context(), pytest.raises(error):
            activate(world.contract_id, Selection(Filters("pending"), ids=tuple(ids)), set_up, by_user_id=me)
    assert world.statuses(ids) == ["pending"]
    assert world.audit("users.activated") == []


def test_a_role_that_was_given_more_permissions_meanwhile_is_refused(world: World, manager: Actor) -> None:
    ids = world.add("Anna Kim")
    page = ticked(manager, world, ids)
    world.change(sa.insert(RolePermission).values(role_id=world.roles["agent"], permission=MANAGE_SECURITY))

    page = as_agents(page, world)

    assert page.response.status_code == 422
    assert "You cannot give Agent" in page.notices
    assert world.statuses(ids) == ["pending"]


# ------------------------------------------------------------------ whose IDs
def test_nonsense_ids_refuse_the_whole_batch(world: World, manager: Actor) -> None:
    ids = world.add("Anna Kim")
    page = ticked(manager, world, ids)
    for nonsense in ("0", "-1", "x", "1.5", "99999999999999999999", "９", ""):
        assert as_agents(page, world, ids=[ids[0], nonsense]).response.status_code == 404
    assert world.statuses(ids) == ["pending"]


def test_one_id_of_another_contract_refuses_the_whole_batch(app: Flask, world: World, manager: Actor) -> None:
    other = make_world(app, "other")
    (stranger,) = other.add("Eve Stranger")
    ids = world.add("Anna Kim")

    for foreign in (stranger, 4_000_000):
        shown = manager.post(f"{world.url}/activate", {"status": "pending", "ids": [ids[0], foreign]})
        sent = as_agents(ticked(manager, world, ids), world, ids=[ids[0], foreign])
        assert (shown.status_code, sent.response.status_code) == (404, 404)
        assert "Eve" not in shown.text + sent.response.text
    assert world.statuses(ids) == ["pending"]
    assert other.statuses([stranger]) == ["pending"]


def test_those_who_may_not_manage_users_activate_nobody(app: Flask, world: World) -> None:
    ids = world.add("Anna Kim")
    outsider = make_actor(app, make_world(app, "other").contract_id, "administrator")
    for actor, status in ((make_actor(app, world.contract_id, "system_access"), 403), (outsider, 404)):
        for path in ("activate", "activate/confirm", "deactivate", "deactivate/confirm", "keep"):
            data: dict[str, object] = {
                "status": "pending",
                "ids": ids,
                "confirm": "y",
                "roles": [world.roles["agent"]],
                "team": world.teams["Billing"],
            }
            assert actor.post(f"{world.url}/{path}", data).status_code == status
    assert world.statuses(ids) == ["pending"]


def test_nobody_selected_leads_back_to_the_list(world: World, manager: Actor) -> None:
    world.add("Anna Kim")
    page = open_page(manager, f"{world.url}?status=pending").form("/users/activate").send("Activate")
    assert page.notices == "Nobody is selected. Tick the people first. Nothing was changed."


def test_the_bare_address_of_the_form_leads_to_the_pending_people(world: World, manager: Actor) -> None:
    world.add("Anna Kim")
    assert open_page(manager, f"{world.url}/activate").names == ["Anna Kim"]
    assert open_page(manager, f"{world.url}/deactivate").root.one("h1").text == "Users"


def test_active_people_are_not_activated_again(world: World, manager: Actor) -> None:
    ids = world.add("Anna Kim", status="active")
    assert manager.get(f"{world.url}/activate?status=active&ids={ids[0]}").status_code == 404
    data: dict[str, object] = {
        "status": "active", "ids": ids, "confirm": "y", "roles": [world.roles["agent"]], "team": world.teams["Chat"],
    }  # fmt: skip
    assert manager.post(f"{world.url}/activate/confirm", data).status_code == 404
    assert world.audit("users.activated") == []


def test_the_form_shows_what_the_batch_takes(world: World, manager: Actor) -> None:
    page = ticked(manager, world, world.add("Anna Kim", "Bartek Nowak"))
    meter = page.root.one("section", aria_labelledby="licences-title").text
    assert re.search(
        r"60 bought.*In use now *1 Free now *59 This batch takes *\+ 2 Free afterwards *57", meter
    )


def test_A12_a_form_that_lacks_a_part_of_itself_is_refused_in_words(world: World, manager: Actor) -> None:
    (anna,) = world.add("Anna Kim")
    data = {"status": "pending", "ids": anna, "stamp": "9" * 5_000}
    assert manager.post(f"{world.url}/activate/confirm", data).status_code in (409, 422)
    assert world.statuses([anna]) == ["pending"]
