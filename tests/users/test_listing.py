"""The list of users: tabs, search, filters, order and pages, all in the address."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, make_actor
from tests.users.pages import Form, open_page
from tests.users.world import World, make_world, statements
from webapp.core.database import write_transaction
from webapp.core.models import Role, UserSync, utcnow


def names(manager: Actor, world: World, query: str) -> list[str]:
    return open_page(manager, f"{world.url}?{query}").names


# ------------------------------------------------------------------ tabs
def test_each_tab_shows_its_people_and_its_count(world: World, manager: Actor) -> None:
    world.add("Anna Kim", "Bartek Nowak")
    world.add("Carla Diaz", status="inactive")

    page = open_page(manager, world.url)
    tabs = page.root.one("nav", aria_label="User status").all("a")
    assert [tab.text for tab in tabs] == ["Active 1", "Inactive 1", "Pending 2", "Leavers 0"]
    assert tabs[0].attrs["aria-current"] == "page"
    assert names(manager, world, "status=pending") == ["Anna Kim", "Bartek Nowak"]
    assert names(manager, world, "status=inactive") == ["Carla Diaz"]


def test_pending_says_where_each_came_from_and_since_when(world: World, manager: Actor) -> None:
    (anna,) = world.add("Anna Kim", since=utcnow() - timedelta(hours=3))
    page = open_page(manager, f"{world.url}?status=pending")
    cells = [cell.text for cell in page.root.all("td", role="cell")]
    assert "Intercom" in [cell.removeprefix("I") for cell in cells]  # after the letter of its tile
    assert f"T{70_000 + anna}" in cells
    assert "3 hours" in cells
    heads = [head.text for head in page.root.all("th", role="columnheader")]
    assert {"Platform", "Team or role there", "Waiting"} <= set(heads)


def test_missing_set_up_is_told_by_icon_and_word(world: World, manager: Actor) -> None:
    def gaps(query: str) -> list[str]:
        page = open_page(manager, f"{world.url}?{query}")
        rows = page.root.one("tbody").all("tr")
        return [row.all("td", class_="cell-right")[0].text for row in rows]

    world.add("Anna Kim", email=False)
    assert gaps("status=pending") == ["No role. No team. No reporting access. No email to sign in with."]

    agent, bare_agent, leader, bare_leader, none = world.add(
        "Agent Full", "Agent Teamless", "Leader Full", "Leader Blind", "Nobody Yet", status="active"
    )
    world.give([agent], role="agent", team="Billing")
    world.give([bare_agent], role="agent", access="Leeds")
    world.give([leader], role="team_leader", access="Leeds")
    world.give([bare_leader], role="team_leader", team="Chat")
    expected = ["Ready", "No team.", "No reporting access.", "Ready", "No role."]
    assert gaps("status=active")[:5] == expected
    assert none


def test_a_person_who_left_the_platform_is_marked(world: World, manager: Actor) -> None:
    world.add("Anna Kim", status="active", missing_since=utcnow() - timedelta(hours=2))
    world.add("Bartek Nowak", status="active")
    marks = [
        mark.text
        for mark in open_page(manager, world.url).root.all("span", class_="second")
        if mark.all("time")
    ]
    assert len(marks) == 1
    assert re.fullmatch(r"No longer in Intercom since \d+ \w{3}, \d\d:\d\d", marks[0])


# ------------------------------------------------------------------ search
def test_search_is_literal_and_ignores_case(world: World, manager: Actor) -> None:
    world.add("Anna Kim", "Max 100% Mustermann", "Straße Groß", "Ørsted Østby")
    world.add("Under Score", usernames=["under_score"])
    everybody = ["Anna Kim", "Max 100% Mustermann", "Straße Groß", "Under Score", "Ørsted Østby"]
    searches = {
        "anna": ["Anna Kim"],
        "  ANNA   kim ": ["Anna Kim"],
        "nna K": ["Anna Kim"],
        "under_score": ["Under Score"],
        "100%": ["Max 100% Mustermann"],
        "%": ["Max 100% Mustermann"],
        "_": ["Under Score"],
        "strasse": ["Straße Groß"],
        "STRASSE GROSS": ["Straße Groß"],
        "øst": ["Ørsted Østby"],
        "@acme.example": everybody,
        "nobody": [],
        "back/slash": [],
        "\\": [],
        "'; DROP TABLE users --": [],
    }
    found = {q: names(manager, world, urlencode({"status": "pending", "q": q})) for q in searches}
    assert found == searches


def test_username_email_and_third_party_id_are_searched(world: World, manager: Actor) -> None:
    (anna,) = world.add("Anna Kim", usernames=["akim-77"])
    world.add("Bartek Nowak")
    for q in ("akim-77", "anna.kim@acme", str(70_000 + anna)):
        assert names(manager, world, f"status=pending&q={q}") == ["Anna Kim"]


# ------------------------------------------------------------------ filters
def test_platform_filter_keeps_those_linked_there(world: World, manager: Actor) -> None:
    world.add("Anna Kim")
    world.add("Bartek Nowak", linked=False)
    assert names(manager, world, "status=pending&platform=intercom") == ["Anna Kim"]


def test_team_filter_takes_everything_below_it(world: World, manager: Actor) -> None:
    billing, chat, porto, _ = world.add("In Billing", "In Chat", "In Porto", "In none", status="active")
    for user, team in ((billing, "Billing"), (chat, "Chat"), (porto, "Porto")):
        world.give([user], team=team)

    def of(team: str) -> list[str]:
        return names(manager, world, f"team={world.teams[team]}")

    assert of("Billing") == ["In Billing"]
    assert of("Phone") == ["In Billing"]
    assert of("Leeds") == ["In Billing", "In Chat"]
    assert of("top") == ["In Billing", "In Chat", "In Porto"]
    assert "In none" in names(manager, world, "team=none")
    assert "In Porto" not in names(manager, world, "team=none")


def test_role_filter(world: World, manager: Actor) -> None:
    agent, _ = world.add("Anna Agent", "Nina None", status="active")
    world.give([agent], role="agent")
    assert names(manager, world, f"role={world.roles['agent']}") == ["Anna Agent"]
    assert names(manager, world, "role=none") == ["Nina None"]


def test_filters_and_search_narrow_together(world: World, manager: Actor) -> None:
    one, two, three = world.add("Anna Kim", "Anna Lund", "Bartek Nowak", status="active")
    world.give([one, three], role="agent", team="Chat")
    world.give([two], role="agent", team="Porto")
    query = f"q=anna&role={world.roles['agent']}&team={world.teams['Leeds']}&platform=intercom"
    assert names(manager, world, query) == ["Anna Kim"]


def test_what_was_chosen_stays_in_the_filter_fields(world: World, manager: Actor) -> None:
    world.add("Anna Kim", status="active")
    page = open_page(
        manager, f"{world.url}?status=active&q=anna&team={world.teams['Leeds']}&sort=-name&per_page=50"
    )
    values = Form(page, page.root.one("form", role="search")).values
    assert (values["q"], values["team"], values["sort"], values["per_page"], values["status"]) == (
        ["anna"], [str(world.teams["Leeds"])], ["-name"], ["50"], ["active"],
    )  # fmt: skip


# ------------------------------------------------------------------ order
def test_every_order_and_its_reverse(world: World, manager: Actor) -> None:
    now = utcnow()
    for name, username, email, since in (
        ("Anna Kim", "zoo", True, 1),
        ("Bartek Nowak", "middle", False, 3),
        ("Carla Diaz", "apple", True, 2),
    ):
        world.add(name, usernames=[username], email=email, since=now - timedelta(hours=since))
    orders = {
        "name": ["Anna Kim", "Bartek Nowak", "Carla Diaz"],
        "username": ["Carla Diaz", "Bartek Nowak", "Anna Kim"],
        "email": ["Anna Kim", "Carla Diaz", "Bartek Nowak"],
        "since": ["Bartek Nowak", "Carla Diaz", "Anna Kim"],
        "role": ["Anna Kim", "Bartek Nowak", "Carla Diaz"],
    }
    for sort, expected in orders.items():
        assert names(manager, world, f"status=pending&sort={sort}") == expected
        assert names(manager, world, f"status=pending&sort=-{sort}") == expected[::-1]


def test_by_role_people_stand_in_the_order_of_the_roles(world: World, administrator: Actor) -> None:
    agent, analyst, both, nobody = world.add(
        "Anna Agent", "Quinn Analyst", "Bea Both", "Nina None", status="active"
    )
    world.give([agent, both], role="agent")
    world.give([analyst], role="quality_analyst")
    world.give([both], role="team_leader")
    expected = ["Bea Both", "Anna Agent", "Quinn Analyst", "Nina None"]
    found = names(administrator, world, "sort=role")
    assert [name for name in found if name in expected] == expected
    assert [name for name in names(administrator, world, "sort=-role") if name in expected] == expected[::-1]
    assert nobody

    with world.app.app_context(), write_transaction() as session:
        session.execute(sa.update(Role).where(Role.id == world.roles["agent"]).values(position=99))
    expected = ["Bea Both", "Quinn Analyst", "Anna Agent", "Nina None"]
    assert [name for name in names(administrator, world, "sort=role") if name in expected] == expected
    assert [name for name in names(administrator, world, "sort=-role") if name in expected] == expected[::-1]


def test_the_sorted_column_says_so_and_turns(world: World, manager: Actor) -> None:
    world.add("Anna Kim")
    page = open_page(manager, f"{world.url}?status=pending&sort=-email")
    (head,) = [head for head in page.root.all("th") if "aria-sort" in head.attrs]
    assert (head.text, head.attrs["aria-sort"]) == ("Email", "descending")
    assert "sort=email" in head.one("a").attrs["href"]


# ------------------------------------------------------------------ pages
def test_pages_share_out_everybody_exactly_once(world: World, manager: Actor) -> None:
    world.add_many(130)
    for sort in ("name", "-name", "since", "-since", "username", "-email"):
        seen = []
        for number in range(1, 7):
            seen += names(manager, world, f"status=pending&sort={sort}&page={number}")
        whole = sorted(seen, reverse=sort.startswith("-"))
        assert len(set(seen)) == 130
        assert seen == whole
    assert len(names(manager, world, "status=pending&per_page=100&page=2")) == 30


def test_pages_of_a_search_share_out_everybody_exactly_once(
    world: World, manager: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With more matches than one statement finds, the others are counted and read by further ones."""
    monkeypatch.setattr("webapp.people.directory.query.PROBE", 60)
    world.add_many(130)
    seen = [
        name
        for number in range(1, 7)
        for name in names(manager, world, f"status=pending&q=person&page={number}")
    ]
    assert seen == [f"Person {number:05}" for number in range(1, 131)]
    page = open_page(manager, f"{world.url}?status=pending&q=person&page=6")
    assert "Showing 126–130 of 130 matching" in page.text


NONSENSE = (
    "status=nobody",
    "status=pending&sort=password_hash",
    "status=pending&sort=--name",
    "status=pending&page=0",
    "status=pending&page=-3",
    "status=pending&page=999999999999999999999",
    "status=pending&page=x",
    "status=pending&per_page=7",
    "status=pending&team=99999999999999999999999",
    "status=pending&team=x&role=y",
    "status=pending&platform=slack&missing=slack",
    "status=pending&keep=!!!",
    "status=pending&keep=zzzzzzzzzzzzz.zzzzzzzzzzzzz.zzzzzzzzzzzzz",
    "status=pending&select=all&select=none",
    "q=" + "x" * 900,
    "q=%F0%9F%98%80&status=pending&status=active",
    "q=%ff%fe",
)


def test_nonsense_in_the_address_is_passed_over(world: World, manager: Actor) -> None:
    world.add("Anna Kim")
    for query in NONSENSE:
        response = manager.get(f"{world.url}?{query}")
        assert (query, response.status_code) == (query, 200)
        assert "<h1>Users</h1>" in response.text
    assert names(manager, world, "status=pending&q=anna%07%1fkim") == ["Anna Kim"]
    # an address within an address
    asked = {"list": "status=pending&q=anna%00kim", "form": "csv"}
    assert "Anna Kim" in manager.post(f"{world.url}/export", asked).text
    raw = manager.client.get(world.url, environ_overrides={"QUERY_STRING": "gone=nowhere&q=\xff"})
    assert raw.status_code == 400
    assert "That request could not be read" in raw.text


def test_a_page_past_the_end_shows_the_last_one(world: World, manager: Actor) -> None:
    world.add_many(30)
    assert names(manager, world, "status=pending&page=9") == [
        f"Person {number:05}" for number in range(26, 31)
    ]


def test_a_page_takes_as_many_statements_for_25_rows_as_for_100(world: World, manager: Actor) -> None:
    ids = world.add(
        *(f"Anna {letter}{other}x" for letter in "abcdefghijkl" for other in "abcdefghij"), status="active"
    )
    world.give(ids, role="agent", team="Billing", access="Leeds")
    counts = []
    for query in ("per_page=25", "per_page=100", "per_page=100&q=anna"):
        manager.get(f"{world.url}?{query}")
        with statements(world.app) as sent:
            assert len(names(manager, world, query)) == int(query[9:].partition("&")[0])
        counts.append(len(sent))
    assert counts[0] == counts[1] == counts[2]


# ------------------------------------------------------------------ whose people
def test_nothing_of_another_contract_is_listed_counted_or_found(
    app: Flask, world: World, manager: Actor
) -> None:
    other = make_world(app, "other")
    (eve,) = other.add("Eve Stranger", status="active")
    other.give([eve], role="agent", team="Leeds")
    other.add("Eve Waiting")
    world.add("Anna Kim")
    for query in (
        "status=active", "status=pending", "status=pending&q=eve", "missing=any", f"team={other.teams['Leeds']}",
        f"role={other.roles['agent']}", "team=none", "role=none", f"status=active&keep={eve:x}",
    ):  # fmt: skip
        page = open_page(manager, f"{world.url}?{query}")
        assert "Eve" not in page.response.text
        tabs = page.root.one("nav", aria_label="User status").all("a")
        assert [tab.text for tab in tabs] == ["Active 1", "Inactive 0", "Pending 1", "Leavers 0"]


def test_those_who_may_not_manage_users_see_no_list(app: Flask, world: World) -> None:
    assert make_actor(app, world.contract_id, "system_access").get(world.url).status_code == 403
    assert (
        make_actor(app, make_world(app, "other").contract_id, "administrator").get(world.url).status_code
        == 404
    )
    assert app.test_client().get(world.url).status_code == 302


# ------------------------------------------------------------------ empty places
def test_an_empty_pending_tab_names_the_next_step_only_to_those_who_may(
    app: Flask, world: World, manager: Actor, administrator: Actor
) -> None:
    assert (
        "Everyone imported so far has been activated."
        in open_page(manager, f"{world.url}?status=pending").text
    )
    world.change(sa.update(UserSync).values(enabled=False))
    for_manager = open_page(manager, f"{world.url}?status=pending")
    for_administrator = open_page(administrator, f"{world.url}?status=pending")
    assert "Someone with the permission Manage Integrations can enable it." in for_manager.text
    assert "Open Platforms" not in for_manager.text
    assert for_administrator.root.one("a", class_="btn-primary").text == "Open Platforms"


def test_other_empty_places_say_why_and_how_to_go_on(world: World, manager: Actor) -> None:
    assert "Nobody is inactive" in open_page(manager, f"{world.url}?status=inactive").text
    world.add("Anna Kim")
    searched = open_page(manager, f"{world.url}?status=pending&q=<b>nobody</b>")
    assert "No pending user matches “<b>nobody</b>”." in searched.text
    (clear,) = [link for link in searched.root.all("a") if link.text == "Clear the search"]
    assert open_page(manager, clear.attrs["href"]).names == ["Anna Kim"]
    filtered = open_page(manager, f"{world.url}?status=pending&team={world.teams['Leeds']}")
    assert "Only active users have a team or a role." in filtered.text


def test_other_pages_lead_here(world: World, administrator: Actor) -> None:
    world.add("Anna Kim", status="active", missing_since=utcnow())
    world.add("Bartek Nowak")
    page = open_page(administrator, f"/c/{world.slug}/integrations/platforms/intercom/user-sync")
    links = {link.attrs["href"] for link in page.root.all("a") if "/users" in link.attrs.get("href", "")}
    found = {
        tuple(open_page(administrator, link).names)
        for link in links
        if "platform" in link or "missing" in link
    }
    assert ("Bartek Nowak",) in found
    assert ("Anna Kim",) in found
