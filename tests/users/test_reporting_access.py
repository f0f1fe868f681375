"""Nobody shows themselves or others more of the structure than they see: every way in, as somebody who sees a part."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, make_actor
from tests.uploads.sending import address_of, csv_of, problems, upload
from tests.users.pages import Page, open_page
from tests.users.test_activation import ticked
from tests.users.world import World
from webapp.core.models import Account, ReportingAccess, Team, User, db, utcnow
from webapp.people.activation.activate import Beyond, activate_each
from webapp.people.directory.directory import directory_of
from webapp.people.directory.filters import Filters
from webapp.people.directory.giving import seen_by
from webapp.people.directory.selection import Selection
from webapp.people.directory.setup import SetUp

PORTO = "You cannot give access to Porto: you do not see it yourself."


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The rule itself is the same statements as for roles; what depends on the database is tested beside those."""
    return sqlite_url


def sees(world: World, actor: Actor, *teams: str) -> Actor:
    """The same person, who sees those parts of the structure only."""
    user = world.user_of(actor.account_id)
    world.change(sa.delete(ReportingAccess).where(ReportingAccess.user_id == user))
    for team in teams:
        world.give([user], access=team)
    return actor


@pytest.fixture
def partly(world: World, manager: Actor) -> Actor:
    """A manager who sees Leeds with all below it."""
    return sees(world, manager, "Leeds")


def leader(world: World, *access: str) -> dict[str, object]:
    return {"roles": [world.roles["team_leader"]], "access": [world.teams[name] for name in access]}


def edited(actor: Actor, world: World, user: int, **values: object) -> Page:
    return open_page(actor, f"{world.url}/{user}/edit").form("/edit").fill(**values).send("Save")


def access_of(world: World, user: int) -> set[str]:
    names = {team: name for name, team in world.teams.items()}
    return {names[team] for team in world.set_up_of(user)[2]}


def test_A17_a_manager_does_not_widen_what_they_see_themselves(world: World, partly: Actor) -> None:
    me = world.user_of(partly.account_id)
    page = edited(partly, world, me, roles=[world.roles["manager"]], access=[world.teams["top"]])
    assert page.response.status_code == 422
    assert "You cannot give access to Contract acme: you do not see it yourself." in page.text
    page = edited(partly, world, me, access=[world.teams["Leeds"], world.teams["Porto"]])
    assert PORTO in page.text
    assert access_of(world, me) == {"Leeds"}
    assert not world.audit("users.edited")
    edited(partly, world, me, access=[world.teams["Phone"]])  # less is always possible
    assert access_of(world, me) == {"Phone"}
    page = edited(partly, world, me, access=[world.teams["Leeds"]])
    assert "You cannot give access to Leeds" in page.text


def test_A17_what_somebody_has_already_stays_theirs_and_grows_no_further(world: World, partly: Actor) -> None:
    (anna,) = world.add("Anna Kim", status="active")
    world.give([anna], role="team_leader", access="Porto")
    page = open_page(partly, f"{world.url}/{anna}/edit")
    closed = {one.attrs["value"] for one in page.root.all("input", name="access") if "disabled" in one.attrs}
    assert closed == {str(world.teams["top"])}
    saved = page.form("/edit").fill(name="Anna Lund").send("Save")
    assert "Anna Lund is saved." in saved.notices
    edited(partly, world, anna, access=[world.teams["Porto"], world.teams["Chat"]])
    assert access_of(world, anna) == {"Porto", "Chat"}
    page = edited(partly, world, anna, access=[world.teams["top"]])
    assert "You cannot give access to Contract acme" in page.text


def test_A17_no_form_that_adds_or_activates_gives_more(world: World, partly: Actor) -> None:
    anna, bartek = world.add("Anna Kim", "Bartek Nowak")
    (carla,) = world.add("Carla Diaz", status="inactive")
    for ids, status in (([anna, bartek], "pending"), ([carla], "inactive")):
        form = ticked(partly, world, ids, status).form("/activate/confirm")
        refused = form.fill(**leader(world, "Leeds", "Porto"), confirm="y").send(
            "Activate" if status == "pending" else "Reactivate"
        )
        assert refused.response.status_code == 422
        assert PORTO in refused.text
    new = open_page(partly, f"{world.url}/new").form("/users/new")
    refused = new.fill(name="Dora", username="dora", start="active", **leader(world, "Porto")).send("Add")
    assert (refused.response.status_code, PORTO in refused.text) == (422, True)
    assert world.statuses([anna, bartek, carla]) == ["pending", "pending", "inactive"]
    assert world.scalar(sa.select(User.id).where(User.username == "dora")) is None
    form = ticked(partly, world, [anna]).form("/activate/confirm")
    form.fill(**leader(world, "Billing"), confirm="y").send("Activate")
    assert access_of(world, anna) == {"Billing"}


def test_A17_the_grid_neither_gives_nor_suggests_more(world: World, partly: Actor) -> None:
    alike = world.add("Una One", "Una Two", "Una Three", status="active")
    world.give(alike, role="team_leader", access="Porto")
    anna, bartek = world.add("Anna Kim", "Bartek Nowak")
    form = open_page(partly, f"{world.url}?status=pending").form("/users/activate")
    form = form.fill(ids=[anna, bartek]).send("Activate").form("/activate/confirm")
    page = form.send("A set-up for each")
    assert "sees Porto" not in page.text
    rows = {}
    for user in (anna, bartek):
        rows |= {f"roles-{user}": [world.roles["team_leader"]], f"access-{user}": "Leeds"}
    rows[f"access-{bartek}"] = "Phone; Porto"
    refused = page.form("/users/activate/each/confirm").fill(**rows, confirm="y").send("Activate")
    assert refused.response.status_code == 422
    assert refused.text.count(PORTO) == 2  # in the summary, and beside one row
    assert world.statuses([anna, bartek]) == ["pending", "pending"]


def test_A17_a_file_gives_no_more(world: World, partly: Actor) -> None:
    head = "name,username,roles,reporting_access"
    page = upload(partly, world, csv_of("Eve,eve,Manager,Porto", "Flo,flo,Manager,Chat", head=head))
    active = open_page(partly, f"{address_of(page)}?as=active")
    assert problems(active) == [("2", "reporting_access", PORTO)]


def test_A17_the_rule_holds_in_the_transaction_too(app: Flask, world: World, partly: Actor) -> None:
    """As when somebody's access was narrowed after the form was checked."""
    (anna,) = world.add("Anna Kim")
    set_up = SetUp(frozenset({world.roles["team_leader"]}), None, frozenset({world.teams["top"]}))
    with app.app_context(), pytest.raises(Beyond) as beyond:
        activate_each(
            world.contract_id,
            Selection(Filters(status="pending"), ids=(anna,)),
            {anna: set_up},
            by_user_id=world.user_of(partly.account_id),
        )
    assert beyond.value.names == ["Contract acme"]
    assert world.statuses([anna]) == ["pending"]


def test_A17_no_merge_gives_somebody_the_access_of_another(world: World, partly: Actor) -> None:
    """Who stays gets the account of who goes, and keeps what they see."""
    colleague = sees(world, make_actor(world.app, world.contract_id, "manager"), "Leeds")
    theirs = world.user_of(colleague.account_id)
    (whole,) = world.add("Wanda Whole", status="active", linked=False)
    world.give([whole], role="manager", access="top")
    address = f"{world.url}/{theirs}/merge/{whole}"
    page = open_page(partly, address)
    assert "may do more than you, or see more" in page.text
    answer = partly.post(address, {"stays": whole, "stamp": "x"})
    assert answer.status_code in (409, 422)
    assert world.scalar(sa.select(User.account_id).where(User.id == whole)) is None

    able = make_actor(world.app, world.contract_id, "administrator")
    form = open_page(able, address).form(f"/merge/{whole}")
    form.fill(stays=theirs).send("Merge")
    assert world.statuses([whole]) == ["merged"]
    undo = open_page(partly, f"{world.url}/merges/1/undo")
    assert "may do more than you, or see more" in undo.text
    assert partly.post(f"{world.url}/merges/1/undo", {"stamp": "x"}).status_code == 409
    assert world.statuses([whole]) == ["merged"]


def test_A17_nobody_invites_or_takes_over_who_sees_more(world: World, partly: Actor) -> None:
    (whole,) = world.add("Wanda Whole", status="active")
    world.give([whole], role="team_leader", access="Porto")
    page = open_page(partly, f"{world.url}/{whole}")
    assert "They may do more than you, or see more" in page.text
    partly.post(f"{world.url}/{whole}/invitation")
    assert not world.audit("invitation.sent")
    edited(partly, world, whole, access=[world.teams["Porto"]], email="mine@acme.example")
    able = make_actor(world.app, world.contract_id, "administrator")
    able.post(f"{world.url}/{whole}/invitation")
    assert len(world.audit("invitation.sent")) == 1


def test_A17_moving_a_team_shows_nobody_what_the_mover_does_not_see(world: World, partly: Actor) -> None:
    page = open_page(partly, f"/c/acme/structure/{world.teams['Porto']}")
    refused = page.form("/move").fill(parent=world.teams["Leeds"]).send("Move")
    assert refused.response.status_code == 422
    assert "You do not see Porto yourself" in refused.text
    parent = sa.select(Team.parent_id).where(Team.id == world.teams["Porto"])
    assert world.scalar(parent) == world.teams["top"]
    moved = open_page(partly, f"/c/acme/structure/{world.teams['Chat']}").form("/move")
    assert "is moved" in moved.fill(parent=world.teams["Phone"]).send("Move").notices


def test_A17_an_administrator_who_sees_everything_gives_everything(
    world: World, administrator: Actor
) -> None:
    (anna,) = world.add("Anna Kim", status="active")
    world.give([anna], role="team_leader", access="Chat")
    edited(administrator, world, anna, access=[world.teams["top"]])
    assert access_of(world, anna) == {"top"}


def test_A17_an_administrator_who_sees_a_part_gives_the_whole_only_while_no_other_can(
    world: World, administrator: Actor
) -> None:
    """A new team at the top is seen by nobody; somebody has to be able to give it."""
    me = world.user_of(sees(world, administrator, "Leeds").account_id)
    other = make_actor(world.app, world.contract_id, "administrator")

    def seen() -> bool:
        with world.app.app_context():
            directory = directory_of(db.session(), world.contract_id)
            return world.teams["top"] in seen_by(db.session(), directory, me)

    assert not seen()
    page = edited(administrator, world, me, access=[world.teams["top"]])
    assert "You cannot give access to Contract acme" in page.text
    world.change(sa.update(Account).where(Account.id == other.account_id).values(disabled_at=utcnow()))
    assert seen()
    world.change(sa.update(Account).where(Account.id == other.account_id).values(disabled_at=None))
    sees(world, other, "Porto")
    assert seen()
    edited(administrator, world, me, access=[world.teams["top"]])
    assert access_of(world, me) == {"top"}
