"""The upload through the pages: what is asked, shown, refused and kept."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.actors import Actor, make_actor
from tests.uploads.sending import HEAD, address_of, csv_of, problems, upload
from tests.users.pages import open_page
from tests.users.world import World, make_world, statements
from webapp.core.models import Team, User, UserUpload, utcnow
from webapp.jobs import functions
from webapp.people.uploads.add import Forgotten, add
from webapp.people.uploads.parse import MAX_ROWS

ACTIVE_HEAD = "name,username,roles,team,reporting_access"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What depends on the database is in test_adding."""
    return sqlite_url


def people(world: World) -> int:
    return int(world.scalar(sa.select(sa.func.count()).select_from(User)))


def test_the_users_page_leads_to_it_and_the_template_can_be_sent_back(world: World, manager: Actor) -> None:
    links = open_page(manager, f"{world.url}?status=active").root.all("a", href=f"{world.url}/upload")
    assert [link.text for link in links] == ["Upload CSV…"]
    start = open_page(manager, f"{world.url}/upload")
    (template,) = [one for one in start.root.all("a") if one.text == "Download the template"]
    answer = manager.get(template.attrs["href"])
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="users-template.csv"'
    assert (
        answer.text.splitlines()[0].removeprefix("\ufeff")
        == '"name","username","email","third_party_id","roles","team","reporting_access"'
    )
    alone = upload(manager, world, answer.data)
    assert "nobody below it" in alone.notices
    filled = upload(manager, world, answer.data + b"Bob Ross,bob\r\n")
    assert "The template’s example row was passed over." in filled.text
    assert filled.form(address_of(filled)).send("Add 1 person").text.count("1 person added as pending")


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04", b"username\nada\n", b"x" * 200_000, b"name,username\n" + b"x" * 200_000]
)
def test_a_file_that_cannot_be_read_is_refused_beside_its_field(
    world: World, manager: Actor, data: bytes
) -> None:
    page = upload(manager, world, data)
    assert page.response.status_code == 422
    assert page.root.one("input", type="file").attrs["aria-invalid"] == "true"
    assert page.root.one(id="file-error").text.startswith("Error: ")
    assert page.notices.startswith("Nothing was uploaded")
    assert world.scalar(sa.select(sa.func.count()).select_from(UserUpload)) == 0


def test_no_file_and_too_large_a_file_are_refused(world: World, manager: Actor) -> None:
    nothing = manager.post(f"{world.url}/upload")
    assert nothing.status_code == 422
    assert "Choose a file first." in nothing.text
    large = csv_of(*["Somebody," + "x" * 600] * 2_000)
    form = {"csrf_token": manager.csrf(), "file": (io.BytesIO(large), "large.csv")}
    assert manager.client.post(f"{world.url}/upload", data=form).status_code == 413


def test_the_look_names_each_bad_row_and_adds_nobody(world: World, manager: Actor) -> None:
    world.add("Ada Lovelace", status="inactive", usernames=["ada"])
    before = people(world)
    page = upload(manager, world, csv_of("Bob,bob,bob@x.example,", "Ada,ADA,,", "<b>Cy</b>,c,not an email,"))
    assert page.root.one("h1").text == "Check staff.csv"
    assert [one.text for one in page.root.one("dl", class_="strip").all("dd")] == ["3", "1", "2"]
    found = problems(page)
    assert [(row, column) for row, column, _ in found] == [
        ("3", "username"),
        ("4", "username"),
        ("4", "email"),
    ]
    assert found[0][2].startswith("“ADA” is taken by Ada Lovelace (inactive).")
    assert people(world) == before
    good = open_page(manager, f"{address_of(page)}?show=people")
    assert [row.one("th").text for row in good.root.one("tbody").all("tr")] == ["Bob"]


def test_all_or_nobody_unless_the_bad_rows_are_left_out(world: World, manager: Actor) -> None:
    before = people(world)
    page = upload(manager, world, csv_of("Bob,bob,,", "No Name,x,,", "Cy,cyd,,"))
    refused = page.form(address_of(page)).send("Add 2 people")
    assert refused.response.status_code == 422
    assert "Nobody was added: 1 row has a problem" in refused.notices
    assert people(world) == before
    done = refused.form(address_of(page)).fill(leave_out="y").send("Add 2 people")
    assert "2 people were added from staff.csv and are pending." in done.notices
    assert people(world) == before + 2
    (event,) = world.audit("users.uploaded")
    assert (event.target, event.details["added"], event.details["left out"]) == ("2 users", 2, 1)
    assert event.details["users"] == ["Bob", "Cy"]
    # what was left out can be taken along, corrected and sent again
    (link,) = [one for one in done.root.all("a") if one.text == "Download the row left out"]
    left = list(csv.reader(io.StringIO(manager.get(link.attrs["href"]).text.removeprefix("\ufeff"))))
    assert left == [
        ["row", *HEAD.split(","), "what to do"],
        ["3", "No Name", "x", "", "", "username: It has only 1 character. A username has at least 3."],
    ]


def test_pressing_twice_adds_once_and_shows_the_same(world: World, manager: Actor) -> None:
    page = upload(manager, world, csv_of("Bob,bob,,"))
    form = page.form(address_of(page))
    form.send("Add 1 person")
    count = people(world)
    again = form.send("Add 1 person")
    assert again.response.status_code == 200
    assert "This file has been added. It cannot be added twice." in again.text
    assert (people(world), len(world.audit("users.uploaded"))) == (count, 1)


def test_what_changed_since_is_shown_before_anybody_is_added(world: World, manager: Actor) -> None:
    page = upload(manager, world, csv_of("Bob,bob,,", "Cy,cyd,,"))
    world.add("Bob Ross", usernames=["bob"])
    before = people(world)
    shown = page.form(address_of(page)).send("Add 2 people")
    assert shown.response.status_code == 409
    assert "Nobody was added: something changed after you opened this page" in shown.notices
    assert problems(shown)[0][2].startswith("“bob” is taken by Bob Ross (pending).")
    assert people(world) == before
    shown.form(address_of(page)).fill(leave_out="y").send("Add 1 person")
    assert people(world) == before + 1


def test_columns_that_are_none_of_ours_have_no_effect(world: World, manager: Actor) -> None:
    head = f"{HEAD},password,contract_id,status,account_id,role_id"
    page = upload(manager, world, csv_of("Bob,bob,,,secret-word,99,active,1,1", head=head))
    assert "password, contract_id, status, account_id, role_id." in page.text
    page.form(address_of(page)).send("Add 1 person")
    with world.app.app_context():
        (user,) = world.app.extensions["sqlalchemy"].session.scalars(
            sa.select(User).where(User.username == "bob")
        )
        assert (user.contract_id, user.status, user.account_id) == (world.contract_id, "pending", None)
    assert "secret-word" not in repr(world.scalar(sa.select(UserUpload.sheet)))


def test_people_are_added_and_activated_with_what_the_file_gives_them(world: World, manager: Actor) -> None:
    world.set_licences(5)
    rows = ("Bob,bob,Agent,Leeds > Chat,", "Cy,cyd,Team Leader; agent,Porto,Leeds", "Di,dia,,,")
    page = upload(manager, world, csv_of(*rows, head=ACTIVE_HEAD))
    assert problems(open_page(manager, f"{address_of(page)}?as=active")) == [
        ("4", "roles", "It is empty. Name at least one role, or add everybody as pending.")
    ]
    active = open_page(manager, f"{address_of(page)}?as=active")
    done = active.form(address_of(page)).fill(leave_out="y").send("Add and activate 2 people")
    assert "2 people were added from staff.csv and are active now. 2 of 5 licences are free." in done.notices
    bob, cy = (world.scalar(sa.select(User.id).where(User.username == name)) for name in ("bob", "cyd"))
    assert world.statuses([bob, cy]) == ["active", "active"]
    assert world.set_up_of(bob) == ({world.roles["agent"]}, {world.teams["Chat"]}, set())
    assert world.set_up_of(cy) == (
        {world.roles["agent"], world.roles["team_leader"]},
        {world.teams["Porto"]},
        {world.teams["Leeds"]},
    )
    assert world.audit("users.uploaded")[0].details["each"] == [
        {"given": "Agent in Leeds › Chat", "users": ["Bob"], "ids": str(bob)},
        {"given": "Team Leader and Agent in Porto, sees Leeds", "users": ["Cy"], "ids": str(cy)},
    ]
    assert "Agent in Leeds › Chat" in open_page(manager, f"{world.url}/{bob}/history").text


def test_licences_and_what_one_may_give_bound_what_is_activated(world: World, manager: Actor) -> None:
    world.set_licences(2)
    rows = ("Bob,bob,Agent,Chat,", "Cy,cyd,Agent,Chat,", "Di,dia,Administrator,,Leeds")
    page = upload(manager, world, csv_of(*rows, head=ACTIVE_HEAD))
    active = open_page(manager, f"{address_of(page)}?as=active")
    assert problems(active) == [
        ("4", "roles", "You cannot give Administrator: it permits more than you may do yourself.")
    ]
    assert "Not enough licences, 1 short" in active.notices
    assert "Leave out the 1 row" not in active.text  # there is no button that it could change
    stamp = active.form(address_of(page)).values["stamp"][0]
    before = people(world)
    answer = manager.post(address_of(page), {"as": "active", "stamp": stamp, "leave_out": "y"})
    assert answer.status_code == 409
    assert "Nobody was added: not enough licences, 1 short" in answer.text
    assert people(world) == before
    # the licences are given back while the page is open: the same form works now
    world.set_licences(3)
    assert (
        manager.post(address_of(page), {"as": "active", "stamp": stamp, "leave_out": "y"}).status_code == 302
    )
    assert people(world) == before + 2


def test_a_few_uploads_wait_beside_each_other_and_are_forgotten_after_a_day(
    world: World, manager: Actor
) -> None:
    first, second, *_ = (
        address_of(upload(manager, world, csv_of(f"Bob,bob{n},,"), f"\u202e{n}\x07.csv")) for n in range(5)
    )
    assert (manager.get(first).status_code, manager.get(second).status_code) == (404, 200)
    page = open_page(manager, second)
    assert page.root.one("h1").text == "Check 1 .csv"
    assert "1 person was added from 1 .csv" in page.form(second).send("Add 1 person").notices
    world.change(sa.update(UserUpload).values(uploaded_at=utcnow() - timedelta(days=1, minutes=1)))
    assert manager.get(second).status_code == 404
    assert manager.post(second, {"stamp": "x"}).status_code == 404
    with world.app.app_context():
        functions.tick()
    assert world.scalar(sa.select(sa.func.count()).select_from(UserUpload)) == 0


def test_nobody_is_put_into_a_team_that_is_archived(world: World, manager: Actor) -> None:
    page = upload(manager, world, csv_of("Bob,bob,Agent,Porto,", "Cy,cyd,Agent,chat,", head=ACTIVE_HEAD))
    active = open_page(manager, f"{address_of(page)}?as=active")
    for name in ("Porto", "Leeds"):
        world.change(sa.update(Team).where(Team.id == world.teams[name]).values(archived_at=utcnow()))
    changed = active.form(address_of(page)).send("Add and activate 2 people")
    assert "Nobody was added: something changed after you opened this page" in changed.notices
    assert problems(changed) == [
        ("2", "team", "“Porto” is archived, so nobody is put there any more. Choose another team."),
        ("3", "team", "“chat” is archived, so nobody is put there any more. Choose another team."),
    ]
    template = manager.get(f"{world.url}/upload/users-template.csv").text
    assert not any(name in template for name in ("Porto", "Leeds", "Chat"))


def test_A17_an_upload_is_there_for_who_uploaded_it_alone(world: World, manager: Actor) -> None:
    page = upload(manager, world, csv_of("Ada Lovelace,ada,,", ",nobody,,"))
    address = address_of(page)
    here = {"csrf_token": manager.csrf(), "as": "pending", "leave_out": "y"}
    stamp = page.form(address).values["stamp"][0]
    for role in ("administrator", "manager"):
        other = make_actor(world.app, world.contract_id, role)
        assert other.get(address).status_code == 404
        assert other.get(f"{address}/problems.csv").status_code == 404
        answer = other.post(address, {"as": "pending", "leave_out": "y", "stamp": stamp})
        assert answer.status_code == 404
        by = world.scalar(sa.select(User.id).where(User.account_id == other.account_id))
        upload_id = int(address.rpartition("/")[2])
        with world.app.app_context(), pytest.raises(Forgotten):
            add(world.contract_id, upload_id, "pending", leave_out=True, stamp=stamp, by_user_id=by)
    assert world.scalar(sa.select(User.id).where(User.username == "ada")) is None
    assert manager.client.post(address, data=here | {"stamp": stamp}).status_code == 302
    assert other.get(address).status_code == 404
    assert open_page(manager, address).response.status_code == 200


def test_a_list_that_was_exported_is_the_same_people_when_uploaded_elsewhere(
    world: World, manager: Actor
) -> None:
    names = ["=1+1 “Zoë”, Müller", "'=quoted", "x;=1+1;y", "日本 語"]
    ids = world.add(*names, status="active", email=False)
    world.give(ids[:2], role="agent", team="Billing", access="Leeds")
    world.give(ids[:1], role="team_leader", access="Porto")
    world.give(ids[2:], role="quality_analyst", access="Chat")
    file = manager.post(f"{world.url}/export", {"list": "status=active&platform=intercom"}).data
    other = make_world(world.app, "other")
    there = make_actor(world.app, other.contract_id, "manager")

    page = upload(there, other, file)
    active = open_page(there, f"{address_of(page)}?as=active")
    assert "Status, Status since, Platforms, No longer in, Here since." in active.text
    active.form(address_of(page)).send("Add and activate 4 people")

    def everything(contract: World) -> dict[str, list[str]]:
        actor = there if contract is other else manager
        sent = actor.post(f"{contract.url}/export", {"list": "q=id-7"})
        rows = csv.reader(io.StringIO(sent.data.decode("utf-8-sig"), newline=""))
        return {row[1]: [*row[:5], *row[6:9]] for row in rows}

    assert everything(other) == everything(world)


def test_as_many_rows_as_there_may_be_take_a_bounded_number_of_statements(
    world: World, manager: Actor
) -> None:
    rows = [f"Person {n},person{n},p{n}@x.example,{n},Agent,Chat" for n in range(MAX_ROWS)]
    world.set_licences(2_000)
    page = upload(manager, world, csv_of(*rows, head=f"{HEAD},role,team"))
    active = open_page(manager, f"{address_of(page)}?as=active")
    with statements(world.app) as sent:
        active.form(address_of(page)).send("Add and activate 1,999 people")
    assert len(sent) < 60
    assert world.active() == 2_000
    shown = open_page(manager, f"{world.url}?status=active&q=person1998")
    assert shown.names == ["Person 1998"]
