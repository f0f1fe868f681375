"""Adding one user by hand and changing one: what is checked, what is kept, and whose word counts."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, make_actor
from tests.sync.office import open_office
from tests.sync.people import person
from tests.users.pages import Page, open_page
from tests.users.test_licences import at_once
from tests.users.world import World, make_world
from webapp.core.match_keys import USER_KEYS, user_keys
from webapp.core.models import Contract, Team, User, db, utcnow
from webapp.people.activation.activate import LicencesExceeded
from webapp.people.directory.setup import SetUp
from webapp.people.edit.creating import create
from webapp.people.edit.identity import Identity, UsernameTaken


def adding(actor: Actor, world: World, **values: object) -> Page:
    form = open_page(actor, f"{world.url}/new").form("/users/new")
    return form.fill(**({"name": "Anna Kim", "email": "anna@acme.example"} | values)).send("Add the user")


def editing(actor: Actor, world: World, user_id: int) -> Page:
    return open_page(actor, f"{world.url}/{user_id}/edit")


def save(page: Page, user_id: int, **values: object) -> Page:
    return page.form(f"/{user_id}/edit").fill(**values).send("Save")


def stored(world: World, user_id: int) -> User:
    with world.app.app_context():
        user = db.session.get_one(User, user_id)
        right = user_keys(
            name=user.name, username=user.username, email=user.email, third_party_id=user.third_party_id
        )
        assert {name: getattr(user, name) for name in USER_KEYS} == right
        return user


def last_id(world: World) -> int:
    return int(world.scalar(sa.select(sa.func.max(User.id))))


def agent(world: World) -> dict[str, object]:
    return {"roles": [world.roles["agent"]], "team": world.teams["Billing"]}


# ------------------------------------------------------------------ adding
def test_somebody_added_waits_under_pending_and_their_email_is_their_username(
    world: World, manager: Actor
) -> None:
    page = adding(manager, world, username="", third_party_id=" 77 ")

    assert page.notices == "Anna Kim is added and waits under Pending."
    user = stored(world, last_id(world))
    assert (user.username, user.third_party_id, user.status) == ("anna@acme.example", "77", "pending")
    assert world.set_up_of(user.id) == (set(), set(), set())
    (event,) = world.audit("users.created")
    assert (event.target, event.target_id) == ("Anna Kim", user.id)
    assert "Added here" in page.text


def test_somebody_added_as_active_takes_a_licence_at_once_or_is_not_added(
    world: World, manager: Actor
) -> None:
    world.set_licences(2)
    page = adding(manager, world, start="active", **agent(world))
    assert page.notices == "Anna Kim is added and active. 0 of 2 licences are left."
    assert world.set_up_of(last_id(world)) == ({world.roles["agent"]}, {world.teams["Billing"]}, set())

    form = open_page(manager, f"{world.url}/new").form("/users/new")
    refused = form.fill(name="Bartek Nowak", username="bartek", start="active", **agent(world)).send("Add")
    assert refused.response.status_code == 409
    assert "Nobody was added: no licence is free" in refused.notices
    assert refused.form("/users/new").values["start"] == ["pending"]
    assert refused.form("/users/new").values["name"] == ["Bartek Nowak"]
    assert world.active() == 2


def test_what_cannot_be_is_said_beside_its_field_and_nothing_typed_is_lost(
    world: World, manager: Actor
) -> None:
    world.add("Bartek Nowak", status="inactive", usernames=["Straße"])
    for values, words in (
        ({"name": " "}, "Enter a name."),
        ({"name": "A" * 256}, "Enter at most 255 characters."),
        ({"name": "Anna\nKim"}, "Leave out line breaks and control characters."),
        ({"name": "\u200b\u2060"}, "Enter a name."),
        ({"username": "\u200b\u2060\ufeff", "email": ""}, "Enter 3 to 100 characters."),
        ({"username": "ab"}, "Enter 3 to 100 characters."),
        ({"username": "STRASSE"}, "Bartek Nowak has this username already (inactive)."),
        ({"email": "nobody"}, "Enter an email address"),
        ({"start": "active"}, "Choose a team: every agent needs one."),
        ({"start": "active", "roles": [world.roles["team_leader"]]}, "Choose at least one part"),
        (
            {"start": "active", "roles": [world.roles["administrator"]], "access": [world.teams["top"]]},
            "You cannot give Administrator",
        ),
    ):
        page = adding(manager, world, **values)
        assert page.response.status_code == 422
        assert words in page.text
        if "email" not in values:
            assert page.form("/users/new").values["email"] == ["anna@acme.example"]
    assert world.audit("users.created") == []


def test_whoever_has_the_same_email_is_named(world: World, manager: Actor) -> None:
    world.add("Anna Kim-Lund")
    page = adding(manager, world, email="ANNA.KIM-LUND@acme.example", username="annak")
    assert "Anna Kim-Lund has the same email or third-party ID." in page.notices


def test_many_at_once_cannot_get_one_licence_or_one_username(world: World, manager: Actor) -> None:
    me = world.user_of(manager.account_id)
    world.set_licences(2)
    agents = SetUp(frozenset({world.roles["agent"]}), world.teams["Billing"], frozenset())

    def adding_one(username: str, set_up: SetUp | None) -> object:
        with world.app.app_context():
            identity = Identity("Anna Kim", username, None, None)
            return create(world.contract_id, identity, set_up, by_user_id=me)

    results = at_once([lambda n=n: adding_one(f"anna-{n}", agents) for n in range(3)])
    assert sum(isinstance(one, LicencesExceeded) for one in results) == 2
    assert world.active() == 2
    results = at_once([lambda: adding_one("same", None) for _ in range(3)])
    assert sum(isinstance(one, UsernameTaken) for one in results) == 2


# ------------------------------------------------------------------ changing
def test_what_was_changed_is_stored_with_its_keys_and_in_the_audit_log(world: World, manager: Actor) -> None:
    (anna,) = world.add("Anna Kim")
    page = editing(manager, world, anna)
    assert "The name comes from Intercom and will be overwritten by the next sync." in page.text
    assert not page.root.all("fieldset", id="roles")

    page = save(page, anna, name="Änna Lund", username="Änna", email="", third_party_id="X-1")

    assert page.notices == "Änna Lund is saved."
    user = stored(world, anna)
    assert (user.name, user.username, user.email, user.third_party_id) == ("Änna Lund", "Änna", None, "X-1")
    assert "The next sync gives them their name in Intercom again." in page.text
    (event,) = world.audit("users.edited")
    assert event.details is not None
    assert event.details["name"] == {"before": "Anna Kim", "after": "Änna Lund"}
    assert event.details["email"] == {"before": "anna.kim@acme.example", "after": None}
    assert open_page(manager, f"{world.url}?status=pending&q=änna").names == ["Änna Lund"]
    assert "Changed the user" in page.root.one("section", id="history").text
    assert save(editing(manager, world, anna), anna).notices == "Nothing was changed."


def test_roles_team_and_access_of_who_is_active_change_under_the_rules_of_activation(
    world: World, manager: Actor
) -> None:
    (anna,) = world.add("Anna Kim", status="active")
    world.give([anna], role="agent", team="Billing")
    refused = save(editing(manager, world, anna), anna, roles=[world.roles["team_leader"]])
    assert refused.response.status_code == 422
    assert "Choose at least one part of the structure" in refused.text
    save(refused, anna, roles=[world.roles["team_leader"]], team="", access=[world.teams["Porto"]])
    assert world.set_up_of(anna) == ({world.roles["team_leader"]}, set(), {world.teams["Porto"]})
    (event,) = world.audit("users.edited")
    assert event.details == {
        "roles": {"before": ["Agent"], "after": ["Team Leader"]},
        "team": {"before": ["Leeds › Phone › Billing"], "after": []},
        "reporting access": {"before": [], "after": ["Porto"]},
    }


def test_access_to_a_part_that_is_archived_meanwhile_stays_through_an_edit(
    world: World, manager: Actor
) -> None:
    (anna,) = world.add("Anna Kim", status="active")
    world.give([anna], role="team_leader", access="Porto")
    archived = sa.update(Team).where(Team.id == world.teams["Porto"]).values(archived_at=utcnow())
    late = editing(manager, world, anna)
    world.change(archived)

    assert save(editing(manager, world, anna), anna, name="Anna Lund").notices == "Anna Lund is saved."
    assert world.set_up_of(anna)[2] == {world.teams["Porto"]}
    assert "Porto (archived)" in editing(manager, world, anna).text
    both = [world.teams["Porto"], world.teams["Leeds"]]
    save(editing(manager, world, anna), anna, access=both)
    assert world.set_up_of(anna)[2] == set(both)
    save(editing(manager, world, anna), anna, access=[world.teams["Leeds"]])
    refused = save(editing(manager, world, anna), anna, access=both)  # nobody is given it anew
    assert "A part that was chosen is archived or not there any more." in refused.notices
    assert "was changed after you opened this page" in save(late, anna, name="Anna Berg").notices
    assert world.set_up_of(anna)[2] == {world.teams["Leeds"]}


def test_a_form_of_somebody_who_was_merged_meanwhile_leads_to_who_stayed(
    world: World, manager: Actor
) -> None:
    anna, other = world.add("Anna Kim", "Anna Kim-Lund", linked=False)
    page = editing(manager, world, anna)
    open_page(manager, f"{world.url}/{other}/merge/{anna}").form(f"/merge/{anna}").fill(stays=other).send(
        "Merge"
    )
    assert world.statuses([anna]) == ["merged"]

    result = save(page, anna, email="new@acme.example")

    assert "Nothing was saved: the two were merged after you opened the form." in result.notices
    assert "Anna Kim was merged into this user." in result.notices
    assert result.root.one("h1").text == "Anna Kim-Lund"
    assert "was merged into this user" in editing(manager, world, anna).notices


def test_nobody_gives_or_changes_what_is_above_themselves(
    world: World, manager: Actor, administrator: Actor
) -> None:
    boss, me = world.user_of(administrator.account_id), world.user_of(manager.account_id)
    own = open_page(manager, f"{world.url}/{boss}")
    assert "May do more than you" in own.text
    assert {link.text for link in own.root.all("a")}.isdisjoint({"Edit", "Deactivate…"})
    assert "Edit" in [link.text for link in open_page(administrator, f"{world.url}/{boss}").root.all("a")]
    page = editing(manager, world, boss)
    assert page.root.one("h1").text != "Edit"
    assert "They may do more than you" in page.notices
    sent = manager.post(f"{world.url}/{boss}/edit", {"name": "Mallory", "username": "mallory"})
    assert sent.status_code == 302
    assert stored(world, boss).name != "Mallory"

    higher = [world.roles["manager"], world.roles["administrator"]]
    refused = save(editing(manager, world, me), me, roles=higher, access=[world.teams["top"]])
    assert "You cannot give Administrator" in refused.text
    agents = {"roles": [world.roles["agent"]], "team": world.teams["Billing"], "access": None}
    refused = save(editing(manager, world, me), me, **agents)
    assert "You would no longer be allowed to manage users." in refused.text
    assert world.set_up_of(me)[0] == {world.roles["manager"]}


def test_the_last_administrator_stays_one(world: World, administrator: Actor) -> None:
    boss = world.user_of(administrator.account_id)
    second = make_actor(world.app, world.contract_id, "administrator")
    other = world.user_of(second.account_id)
    managers = {"roles": [world.roles["manager"]], "access": [world.teams["top"]]}
    save(editing(administrator, world, other), other, **managers)
    assert world.set_up_of(other)[0] == {world.roles["manager"]}
    refused = save(editing(administrator, world, boss), boss, **managers)
    assert "One administrator who can sign in has to stay." in refused.text
    assert world.set_up_of(boss)[0] == {world.roles["administrator"]}


def test_a_form_opened_before_a_sync_renamed_them_is_refused_and_keeps_what_was_typed(app: Flask) -> None:
    with app.app_context():
        office = open_office(app)
        office.sync(person("1", "Anna Kim", "anna@example.com"))
        anna = office.users_id("anna@example.com")
        slug = db.session.get_one(Contract, office.contract_id).slug
    manager = make_actor(app, office.contract_id, "administrator")
    url = f"/c/{slug}/users/{anna}/edit"
    page = open_page(manager, url)
    with app.app_context():
        office.sync(person("1", "Anna Lund", "anna@example.com"))

    refused = page.form("/edit").fill(email="new@example.com", third_party_id="9").send("Save")

    assert refused.response.status_code == 409
    assert "Name is now “Anna Lund”" in refused.notices
    assert "; you typed" not in refused.notices
    values = refused.form("/edit").values
    assert (values["name"], values["email"]) == (["Anna Lund"], ["new@example.com"])

    first, second = open_page(manager, url), refused
    first.form("/edit").fill(email="first@example.com").send("Save")
    clash = second.form("/edit").send("Save")
    assert "Email is now “first@example.com”; you typed “new@example.com”" in clash.notices
    assert clash.form("/edit").send("Save").notices == "Anna Lund is saved."
    with app.app_context():
        user = db.session.get_one(User, anna, populate_existing=True)
        assert (user.name, user.email, user.third_party_id) == ("Anna Lund", "new@example.com", "9")
        assert office.changes(office.sync(person("1", "Anna Lund", "anna@example.com"))) == []


def test_users_of_other_contracts_cannot_be_opened_or_changed(
    app: Flask, world: World, manager: Actor
) -> None:
    (eve,) = make_world(app, "other").add("Eve Stranger")
    for number in (eve, 0, 2**63, 10**30):
        assert manager.get(f"{world.url}/{number}/edit").status_code == 404
        assert manager.post(f"{world.url}/{number}/edit", {"name": "Mallory"}).status_code == 404
        assert manager.get(f"{world.url}/{number}/history").status_code == 404
