"""The Structure pages: adding, renaming, moving, archiving and bringing back, through the browser's own forms."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, make_actor, make_contract
from tests.users.pages import Page, open_page
from tests.users.world import World, statements
from webapp.core.database import write_connection
from webapp.core.models import Role, RolePermission, Team, User, UserRole, db, table_of
from webapp.core.permissions import MANAGE_STRUCTURE


def team_page(actor: Actor, world: World, team: str) -> Page:
    return open_page(actor, f"/c/acme/structure/{world.teams[team]}")


def teams(world: World) -> dict[str, tuple[str | None, int, bool]]:
    """Name to the parent's name, level, and whether it is archived itself."""
    with world.app.app_context():
        rows = db.session.execute(
            sa.select(Team.id, Team.name, Team.parent_id, Team.level, Team.archived_at).where(
                Team.contract_id == world.contract_id
            )
        ).all()
    names = {row.id: row.name for row in rows}
    return {row.name: (names.get(row.parent_id), row.level, row.archived_at is not None) for row in rows}


def shown(page: Page) -> dict[str, list[str]]:
    """The rows of the table: a team's name and its figures."""
    return {
        row.one("th").all("a")[0].text: [cell.text for cell in row.all("td")]
        for row in page.root.all("tr", role="row")
        if row.all("td")
    }


def test_people_are_counted_in_a_team_with_all_below_and_by_reporting_access(
    world: World, manager: Actor
) -> None:
    one, two, three = world.add("Anna Kim", "Bartek Nowak", "Carla Diaz", status="active")
    world.give([one, two], role="agent", team="Billing")
    world.give([two], team="Chat")  # in two teams, so once in Leeds
    world.give([three], role="manager", access="Leeds")
    page = open_page(manager, "/c/acme/structure")
    assert shown(page) == {
        "Contract acme": ["0", "2", "1"],
        "Leeds": ["0", "2", "1"],
        "Chat": ["1", "1", "0"],
        "Phone": ["0", "2", "0"],
        "Billing": ["2", "2", "0"],
        "Porto": ["0", "0", "0"],
    }
    assert list(shown(open_page(manager, "/c/acme/structure?q=ill"))) == ["Billing"]
    assert page.root.all("a", href="/c/acme/structure")[0].has("aria_current", "page")


def test_a_thousand_teams_take_as_many_statements_as_six(world: World, manager: Actor) -> None:
    def asked() -> int:
        with statements(world.app) as sent:
            assert manager.get("/c/acme/structure").status_code == 200
        return len(sent)

    asked()
    few = asked()
    with world.app.app_context(), write_connection() as connection:
        connection.execute(
            sa.insert(table_of(Team)),
            [
                {
                    "contract_id": world.contract_id,
                    "parent_id": world.teams["Porto"],
                    "level": 3,
                    "name": f"Shift {number:04}",
                }
                for number in range(1_000)
            ],
        )
    assert asked() == few
    page = open_page(manager, "/c/acme/structure?q=shift+09&per_page=50")
    assert "Showing 1–50 of 100 teams" in page.text


def test_a_team_is_added_renamed_and_moved_with_all_below_it(world: World, manager: Actor) -> None:
    page = open_page(manager, "/c/acme/structure")
    page = page.form("/structure").fill(name="  Night   shift ", parent=world.teams["Phone"]).send("Add team")
    assert "is added below Phone" in page.notices
    assert teams(world)["Night shift"] == ("Phone", 4, False)

    page = team_page(manager, world, "Phone").form("/rename").fill(name="Voice").send("Rename")
    assert page.root.one("h1").text == "Voice"
    page = page.form("/move").fill(parent=world.teams["Porto"]).send("Move")
    assert "with all below it" in page.notices
    found = teams(world)
    assert found["Voice"] == ("Porto", 3, False)
    assert found["Billing"] == ("Voice", 4, False)

    page = page.form("/move").fill(parent="").send("Move")
    found = teams(world)
    assert (found["Voice"], found["Night shift"]) == ((None, 1, False), ("Voice", 2, False))

    (moved, _) = world.audit("team.moved")
    assert moved.target == "Voice"
    assert moved.details == {
        "below": {"before": "Contract acme › Leeds", "after": "Contract acme › Porto"},
        "teams moved along": "2",
    }
    assert world.audit("team.renamed")[0].details["name"] == {"before": "Phone", "after": "Voice"}
    assert world.audit("team.created")[0].details == {"below": "Contract acme › Leeds › Phone"}


def test_what_cannot_be_is_said_beside_its_field_and_what_was_typed_stays(
    world: World, manager: Actor
) -> None:
    before = teams(world)
    page = open_page(manager, "/c/acme/structure")
    page = page.form("/structure").fill(name="CHAT", parent=world.teams["Leeds"]).send("Add team")
    assert page.response.status_code == 422
    assert "Name: Chat is a team there already. Choose another name." in page.notices
    assert page.form("/structure").values["name"] == ["CHAT"]

    for nowhere in ("9" * 5000, "٣", str(10**15), "-1"):  # the page that the form was on
        assert manager.post("/c/acme/structure", {"name": "x", "from": nowhere}).status_code == 422

    page = team_page(manager, world, "Leeds").form("/rename").fill(name="ab").send("Rename")
    assert "Enter a name of 3 to 255 characters." in page.notices
    page = team_page(manager, world, "Leeds").form("/move").fill(parent=world.teams["Billing"]).send("Move")
    assert "A team cannot go below itself." in page.notices
    page = team_page(manager, world, "Leeds").form("/move").fill(parent=10**15).send("Move")
    assert page.response.status_code == 422
    # seven levels and no more
    names = ["Level five", "Level six", "Level seven", "Level eight"]
    page = team_page(manager, world, "Billing")
    for name in names[:3]:
        page = page.form("/structure").fill(name=name).send("Add team below")
        with world.app.app_context():
            team_id = db.session.scalars(sa.select(Team.id).where(Team.name == name)).one()
        page = open_page(manager, f"/c/acme/structure/{team_id}")
    assert "It is on the seventh level, the last one." in page.text
    refused = manager.post("/c/acme/structure", {"name": names[3], "parent": team_id})
    assert "That would make 8 levels, and 7 are the most." in refused.text
    page = team_page(manager, world, "Chat")
    assert str(team_id) not in [o.attrs["value"] for o in page.root.one(id="move-parent").all("option")]
    assert {name: place for name, place in teams(world).items() if name not in names} == before


def test_a_form_opened_before_another_change_is_refused_with_what_changed(
    world: World, manager: Actor
) -> None:
    stale = team_page(manager, world, "Phone")
    team_page(manager, world, "Phone").form("/rename").fill(name="Voice").send("Rename")
    team_page(manager, world, "Phone").form("/move").fill(parent=world.teams["Porto"]).send("Move")

    page = stale.form("/rename").fill(name="Calls").send("Rename")
    assert page.response.status_code == 409
    assert "Somebody named it Voice meanwhile." in page.notices
    assert page.form("/rename").values["name"] == ["Calls"]
    moved = stale.form("/move").fill(parent=world.teams["top"]).send("Move")
    assert "Somebody moved it to Contract acme › Porto meanwhile." in moved.notices
    assert teams(world)["Voice"][0] == "Porto"
    page.form("/rename").send("Rename")
    moved.form("/move").send("Move")
    assert teams(world)["Calls"] == ("Contract acme", 2, False)


def test_people_are_moved_when_their_team_is_archived_and_it_is_offered_no_more(
    world: World, manager: Actor
) -> None:
    one, two, three = world.add("Anna Kim", "Bartek Nowak", "Carla Diaz", status="active")
    world.give([one, two], role="agent", team="Billing")
    world.give([two], team="Porto")
    world.give([three], role="manager", access="Phone")
    (waiting,) = world.add("Dara Osei")

    page = open_page(manager, f"/c/acme/structure/{world.teams['Leeds']}/archive")
    assert "Anna Kim, Bartek Nowak" in page.text
    offered = [option.attrs["value"] for option in page.root.one(id="move_to").all("option")]
    assert offered == ["", str(world.teams["top"]), str(world.teams["Porto"])]
    refused = page.form("/archive").send("Archive team")
    assert "Choose where the people go who are in it." in refused.notices
    assert not teams(world)["Leeds"][2]
    page = refused.form("/archive").fill(move_to=world.teams["Porto"]).send("Archive team")
    assert "Leeds is archived. 2 people are in another team now." in page.notices

    assert teams(world)["Leeds"][2]
    assert [world.set_up_of(user)[1] for user in (one, two)] == [{world.teams["Porto"]}] * 2
    assert world.set_up_of(three)[2] == {world.teams["Phone"]}  # what was can still be seen
    (event,) = world.audit("team.archived")
    assert event.details["people moved to"] == "Contract acme › Porto"
    assert event.details["users"] == ["Anna Kim", "Bartek Nowak"]
    assert event.details["teams archived along"] == "3"

    users = open_page(manager, "/c/acme/users?status=active")
    assert "Billing" not in users.root.one("select", name="team").text
    form = open_page(manager, f"/c/acme/users/activate?ids={waiting}&status=pending")
    assert "Billing" not in form.root.one("select", name="team").text
    forced = manager.post(
        "/c/acme/users/activate/confirm",
        {
            "typed": 1, "status": "pending", "ids": waiting, "confirm": "y",
            "roles": world.roles["agent"], "team": world.teams["Billing"],
        },
    )  # fmt: skip
    assert forced.status_code == 422
    assert world.statuses([waiting]) == ["pending"]

    assert "Leeds" not in shown(open_page(manager, "/c/acme/structure"))
    assert set(shown(open_page(manager, "/c/acme/structure?state=archived"))) == {
        "Leeds", "Phone", "Chat", "Billing",
    }  # fmt: skip
    below = team_page(manager, world, "Phone")
    assert "This team is archived with Leeds" in below.notices
    assert "bring-back" not in below.response.text
    page = team_page(manager, world, "Leeds").form("/bring-back").send("Bring back")
    assert "The team is back." in page.notices
    assert "Billing" in open_page(manager, "/c/acme/users").root.one("select", name="team").text


def test_only_what_was_shown_is_archived(world: World, manager: Actor) -> None:
    (one,) = world.add("Anna Kim", status="active")
    world.give([one], role="agent", team="Chat")
    page = open_page(manager, f"/c/acme/structure/{world.teams['Chat']}/archive")
    world.give(world.add("Bartek Nowak", status="active"), role="agent", team="Chat")
    team_page(manager, world, "Billing").form("/move").fill(parent=world.teams["Chat"]).send("Move")

    refused = page.form("/archive").fill(move_to=world.teams["Porto"]).send("Archive team")

    assert refused.response.status_code == 409
    assert "Nothing was archived: other people or teams are in it now" in refused.notices
    assert "Anna Kim, Bartek Nowak" in refused.text
    assert not teams(world)["Chat"][2]
    assert world.set_up_of(one)[1] == {world.teams["Chat"]}
    assert world.audit("team.archived") == []
    assert refused.form("/archive").values["move_to"] == [str(world.teams["Porto"])]
    done = refused.form("/archive").send("Archive team")
    assert "Chat is archived. 2 people are in another team now." in done.notices
    # the history of each says so too
    history = open_page(
        make_actor(world.app, world.contract_id, "administrator"), f"{world.url}/{one}/history"
    )
    assert "Archived the team Chat" in history.text
    assert "People moved to: Contract acme › Porto" in history.text
    assert "Bartek" not in history.text


def test_the_last_team_cannot_be_archived(world: World, manager: Actor) -> None:
    page = open_page(manager, f"/c/acme/structure/{world.teams['top']}/archive")
    assert "One team has to stay" in page.text
    assert "One team has to stay" in manager.post(f"/c/acme/structure/{world.teams['top']}/archive", {}).text
    assert not teams(world)["Contract acme"][2]


def test_without_manage_users_nobody_is_moved(app: Flask, world: World) -> None:
    keeper = make_actor(app, world.contract_id, "team_leader")
    with app.app_context(), write_connection() as connection:
        connection.execute(
            sa.insert(table_of(RolePermission)).values(
                role_id=world.roles["team_leader"], permission=MANAGE_STRUCTURE
            )
        )
    people = world.add("Anna Kim", status="active")
    world.give(people, role="agent", team="Chat")
    address = f"/c/acme/structure/{world.teams['Chat']}/archive"
    page = open_page(keeper, address)
    assert "Someone with the permission Manage Users" in page.text
    assert "Anna" not in page.text
    assert keeper.post(address, {"move_to": world.teams["Porto"]}).status_code == 403
    assert not teams(world)["Chat"][2]
    assert world.set_up_of(people[0])[1] == {world.teams["Chat"]}


def test_a_permission_that_was_taken_is_gone_with_the_next_click(world: World, manager: Actor) -> None:
    page = team_page(manager, world, "Chat")
    world.change(sa.delete(UserRole).where(UserRole.user_id == world.user_of(manager.account_id)))
    refused = page.form("/rename").fill(name="Chatter").send("Rename")
    assert refused.response.status_code == 403
    assert "Chat" in teams(world)


def test_another_contracts_team_is_not_there(app: Flask, world: World, manager: Actor) -> None:
    other = make_contract(app, "bolt")
    with app.app_context():
        foreign = db.session.scalars(sa.select(Team.id).where(Team.contract_id == other)).one()
    assert manager.get(f"/c/acme/structure/{foreign}").status_code == 404
    refused = manager.post(f"/c/acme/structure/{world.teams['Chat']}/move", {"parent": foreign, "was": ""})
    assert refused.status_code == 422
    refused = manager.post("/c/acme/structure", {"parent": foreign, "name": "Intruder"})
    assert refused.status_code == 422
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).where(User.contract_id == other)) == 0
        assert db.session.scalars(sa.select(Role.name).where(Role.contract_id == other)).first()
