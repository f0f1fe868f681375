"""The Roles pages: who may do what is seen, given, taken, and counts with the next click."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask

from tests.actors import Actor, make_actor, make_contract
from tests.users.pages import Page, open_page
from tests.users.world import World, statements
from webapp.administration.roles.words import PERMISSION_TEXTS
from webapp.core.database import write_transaction
from webapp.core.models import Role, RolePermission, db
from webapp.core.permissions import (
    MANAGE_INTEGRATIONS,
    MANAGE_ROLES,
    MANAGE_STRUCTURE,
    MANAGE_USERS,
    PERMISSIONS,
    VIEW_AUDIT,
    VIEW_SYNC_STATUS,
)


def role_page(actor: Actor, role_id: int) -> Page:
    return open_page(actor, f"/c/acme/roles/{role_id}")


def roles(world: World) -> dict[str, set[str]]:
    """What each role permits, by name."""
    with world.app.app_context():
        found: dict[str, set[str]] = {
            name: set()
            for name in db.session.scalars(sa.select(Role.name).where(Role.contract_id == world.contract_id))
        }
        for name, permission in db.session.execute(
            sa.select(Role.name, RolePermission.permission)
            .join(RolePermission, RolePermission.role_id == Role.id)
            .where(Role.contract_id == world.contract_id)
        ):
            found[name].add(permission)
    return found


def make_role(world: World, name: str, *permissions: str) -> int:
    with world.app.app_context(), write_transaction() as session:
        role = Role(contract_id=world.contract_id, key=name.casefold(), name=name)
        session.add(role)
        session.flush()
        session.add_all(RolePermission(role_id=role.id, permission=one) for one in permissions)
        return role.id


def with_role(app: Flask, world: World, name: str, *permissions: str) -> Actor:
    """Somebody with a role of their own that permits just that."""
    world.roles[name] = make_role(world, name, *permissions)
    return make_actor(app, world.contract_id, name.casefold())


def matrix(page: Page) -> dict[str, list[str]]:
    return {
        row.one("th").all("a")[0].text: [cell.text for cell in row.all("td")]
        for row in page.root.all("tr", role="row")
        if row.all("td")
    }


def test_the_matrix_shows_what_each_role_permits_and_how_many_have_it(
    world: World, administrator: Actor
) -> None:
    world.give(world.add("Anna Kim", "Bartek Nowak", status="active"), role="agent")
    open_page(administrator, "/c/acme/roles")  # the first page also notes when they were here
    with statements(world.app) as sent:
        page = open_page(administrator, "/c/acme/roles")
    few = len(sent)
    found = matrix(page)
    heads = [cell.text for cell in page.root.all("th", role="columnheader")]
    assert heads == ["Role", "People", *PERMISSIONS.values()]
    assert found["Administrator"][0] == "1 person who has Administrator"
    assert found["Administrator"][1:] == ["Yes"] * len(PERMISSIONS)
    assert found["Agent"][0] == "2 people who have Agent"
    assert found["Manager"][1:] == ["No", "Yes", "No", "Yes", "No", "Yes", "No"]
    assert PERMISSION_TEXTS.keys() == PERMISSIONS.keys()
    for number in range(20):
        make_role(world, f"Role {number}", VIEW_AUDIT)
    with statements(world.app) as sent:
        assert len(matrix(open_page(administrator, "/c/acme/roles"))) == 26
    assert len(sent) == few


def test_a_role_is_created_changed_and_deleted_and_each_is_written_down(
    world: World, administrator: Actor
) -> None:
    page = open_page(administrator, "/c/acme/roles/new")
    page = page.form("/roles/new").fill(
        name="  Coach ", description="Trains people", permissions=[VIEW_AUDIT, VIEW_SYNC_STATUS]
    ).send("Create role")  # fmt: skip
    assert "The role Coach is created. Nobody has it yet." in page.notices
    role_id = world.scalar(sa.select(Role.id).where(Role.name == "Coach"))

    form = role_page(administrator, role_id).form(f"/roles/{role_id}")
    assert form.values["name"] == ["Coach"]
    page = form.fill(name="Trainer", permissions=[VIEW_SYNC_STATUS, MANAGE_STRUCTURE]).send("Save role")
    assert "The role Trainer is saved." in page.notices
    assert roles(world)["Trainer"] == {VIEW_SYNC_STATUS, MANAGE_STRUCTURE}

    page = open_page(administrator, f"/c/acme/roles/{role_id}/delete")
    page = page.form("/delete").send("Delete role")
    assert "The role Trainer is deleted." in page.notices
    assert "Trainer" not in roles(world)

    assert world.audit("role.created")[0].details == {
        "description": "Trains people",
        "permissions": ["View Sync Status", "View Audit Log"],
    }
    assert world.audit("role.changed")[0].details == {
        "name": {"before": "Coach", "after": "Trainer"},
        "permissions": {
            "before": ["View Sync Status", "View Audit Log"],
            "after": ["Manage Structure", "View Sync Status"],
        },
    }
    assert world.audit("role.deleted")[0].target == "Trainer"
    log = open_page(administrator, "/c/acme/audit").text
    assert "Changed the role Trainer" in log


def test_a_change_counts_with_the_next_click_of_an_open_session(
    app: Flask, world: World, administrator: Actor
) -> None:
    manager = make_actor(app, world.contract_id, "manager")
    assert manager.get("/c/acme/structure").status_code == 200
    form = role_page(administrator, world.roles["manager"]).form(f"/roles/{world.roles['manager']}")
    page = form.fill(permissions=[MANAGE_USERS, VIEW_AUDIT]).send("Save role")
    assert "It counts at once for 1 person." in page.notices
    assert manager.get("/c/acme/structure").status_code == 403
    assert manager.post("/c/acme/structure", {"name": "Late", "parent": ""}).status_code == 403
    audit = open_page(manager, "/c/acme/audit")
    assert audit.response.status_code == 200
    assert not audit.root.all("a", href="/c/acme/structure")


def test_what_cannot_be_is_said_beside_its_field(world: World, administrator: Actor) -> None:
    before = roles(world)
    for name, says in (
        ("", "Enter a name of 1 to 100 characters."),
        ("x" * 101, "Enter a name of 1 to 100 characters."),
        ("No\a", "Take out the characters that cannot be seen."),
        ("Quality\u202eAnalyst", "Take out the characters that cannot be seen."),
        ("\u200d", "Take out the characters that cannot be seen."),
        ("Manager\u200d", "There is a role Manager already. Choose another name."),
        ("MANAGER", "There is a role Manager already. Choose another name."),
    ):
        form = open_page(administrator, "/c/acme/roles/new").form("/roles/new")
        page = form.fill(name=name, permissions=[VIEW_AUDIT]).send("Create role")
        assert page.response.status_code == 422
        assert says in page.notices
        assert page.form("/roles/new").values["permissions"] == [VIEW_AUDIT]
    form = open_page(administrator, "/c/acme/roles/new").form("/roles/new")
    assert (
        form.fill(name="Coach", permissions=["admin.everything"]).send("Create").response.status_code == 422
    )
    assert roles(world) == before


def test_the_three_undeletable_roles_stay_and_administrators_keep_everything(
    world: World, administrator: Actor
) -> None:
    for key in ("administrator", "agent", "system_access"):
        address = f"/c/acme/roles/{world.roles[key]}"
        assert "cannot be deleted" in open_page(administrator, f"{address}/delete").text
        assert administrator.post(f"{address}/delete", {}).status_code == 422
    address = f"/c/acme/roles/{world.roles['administrator']}"
    page = open_page(administrator, address)
    boxes = page.root.all("input", name="permissions")
    assert all("disabled" in box.attrs and "checked" in box.attrs for box in boxes)
    form = page.form(address).fill(description="Runs it all", permissions=[], name="Nobody")
    assert "is saved" in form.send("Save role").notices
    assert roles(world)["Administrator"] == set(PERMISSIONS)
    form = role_page(administrator, world.roles["agent"]).form(f"/roles/{world.roles['agent']}")
    form.fill(permissions=[VIEW_AUDIT], name="Boss").send("Save role")
    assert roles(world)["Agent"] == {VIEW_AUDIT}


def test_nobody_grants_or_takes_what_they_do_not_have(app: Flask, world: World) -> None:
    keeper = with_role(app, world, "Keeper", MANAGE_ROLES, VIEW_AUDIT)
    before = roles(world)
    # a role that permits more: to look at only
    for role in ("administrator", "manager"):
        address = f"/c/acme/roles/{world.roles[role]}"
        page = open_page(keeper, address)
        assert "You can look at this role, not change it" in page.notices
        assert not page.root.all("input", name="permissions")
        assert keeper.post(address, {"name": "Mine", "permissions": []}).status_code == 403
        assert keeper.post(f"{address}/delete", {}).status_code in (403, 422)
    # a permission they do not have: not offered, and refused
    address = f"/c/acme/roles/{world.roles['quality_analyst']}"
    page = open_page(keeper, address)
    offered = {
        box.attrs["value"]
        for box in page.root.all("input", name="permissions")
        if "disabled" not in box.attrs
    }
    assert offered == {MANAGE_ROLES, VIEW_AUDIT}
    forced = page.form(address).fill(permissions=[MANAGE_INTEGRATIONS]).send("Save role")
    assert forced.response.status_code == 403
    new = keeper.post("/c/acme/roles/new", {"name": "Door", "permissions": MANAGE_USERS})
    assert new.status_code == 403
    # their own role: more is out of reach as well
    mine = f"/c/acme/roles/{world.roles['Keeper']}"
    forced = open_page(keeper, mine).form(mine).fill(permissions=list(PERMISSIONS)).send("Save role")
    assert forced.response.status_code == 403
    assert roles(world) == before
    # what they have they can give
    page = open_page(keeper, address).form(address).fill(permissions=[VIEW_AUDIT]).send("Save role")
    assert "is saved" in page.notices
    # and take from themselves, which leads out
    page = open_page(keeper, mine).form(mine).fill(permissions=[VIEW_AUDIT]).send("Save role")
    assert page.root.one("h1").text == "Audit log"


def test_a_form_opened_before_another_change_is_refused_with_what_changed(
    world: World, administrator: Actor
) -> None:
    address = f"/c/acme/roles/{world.roles['manager']}"
    stale = open_page(administrator, address)
    open_page(administrator, address).form(address).fill(
        name="Shift lead", permissions=[MANAGE_USERS, VIEW_AUDIT]
    ).send("Save role")

    page = stale.form(address).fill(description="Mine", permissions=[MANAGE_USERS]).send("Save role")

    assert page.response.status_code == 409
    for line in (
        "Nothing was saved: this role was changed meanwhile",
        "The name was Manager and is Shift lead.",
        "Manage Structure was taken away.",
        "View Audit Log was added.",
        "Person",  # who it was
    ):
        assert line in page.notices
    assert roles(world)["Shift lead"] == {MANAGE_USERS, VIEW_AUDIT}
    assert page.form(address).values["description"] == ["Mine"]
    page.form(address).send("Save role")
    assert roles(world)["Manager"] == {MANAGE_USERS}


def test_a_role_that_grew_beyond_somebody_meanwhile_is_refused_with_what_changed(
    app: Flask, world: World, administrator: Actor
) -> None:
    keeper = with_role(app, world, "Keeper", MANAGE_ROLES, VIEW_AUDIT)
    address = f"/c/acme/roles/{world.roles['quality_analyst']}"
    stale = open_page(keeper, address)
    open_page(administrator, address).form(address).fill(permissions=[MANAGE_USERS]).send("Save role")
    page = stale.form(address).fill(permissions=[VIEW_AUDIT]).send("Save role")
    assert page.response.status_code == 409
    assert "Manage Users was added." in page.notices
    assert "You can look at this role, not change it" in page.notices
    assert "Save again" not in page.text
    assert roles(world)["Quality Analyst"] == {MANAGE_USERS}


def test_a_role_that_people_have_is_deleted_by_giving_them_another(
    app: Flask, world: World, administrator: Actor
) -> None:
    one, two = world.add("Anna Kim", "Bartek Nowak", status="active")
    world.give([one, two], role="manager")
    world.give([two], role="agent")
    address = f"/c/acme/roles/{world.roles['manager']}/delete"
    page = open_page(administrator, address)
    assert "Anna Kim, Bartek Nowak" in page.text
    refused = page.form("/delete").send("Delete role")
    assert "Choose which role those get who have this one." in refused.notices
    assert "Manager" in roles(world)
    # who may not give the other role, or move people at all, does not
    keeper = with_role(app, world, "Keeper", MANAGE_ROLES, MANAGE_STRUCTURE, VIEW_SYNC_STATUS)
    assert keeper.post(address, {"move_to": world.roles["agent"]}).status_code == 403
    lead = with_role(app, world, "Lead", MANAGE_ROLES, MANAGE_USERS, MANAGE_STRUCTURE, VIEW_SYNC_STATUS)
    offered = open_page(lead, address).root.one("select", name="move_to").text
    assert "Agent" in offered
    assert "Administrator" not in offered
    assert lead.post(address, {"move_to": world.roles["administrator"]}).status_code == 403

    page = refused.form("/delete").fill(move_to=world.roles["agent"]).send("Delete role")
    assert "The role Manager is deleted. 2 people have Agent instead." in page.notices
    assert [world.set_up_of(user)[0] for user in (one, two)] == [{world.roles["agent"]}] * 2
    (event,) = world.audit("role.deleted")
    assert event.details["people have instead"] == "Agent"
    assert event.details["users"] == ["Anna Kim", "Bartek Nowak"]


def test_a_role_is_deleted_only_with_those_who_were_shown_to_have_it(
    world: World, administrator: Actor
) -> None:
    (one,) = world.add("Anna Kim", status="active")
    world.give([one], role="manager")
    page = open_page(administrator, f"/c/acme/roles/{world.roles['manager']}/delete")
    (two,) = world.add("Bartek Nowak", status="active")
    world.give([two], role="manager")

    refused = page.form("/delete").fill(move_to=world.roles["agent"]).send("Delete role")

    assert refused.response.status_code == 409
    assert "Nothing was deleted: other people have this role now" in refused.notices
    assert "Anna Kim, Bartek Nowak" in refused.text
    assert [world.set_up_of(user)[0] for user in (one, two)] == [{world.roles["manager"]}] * 2
    assert world.audit("role.deleted") == []
    assert refused.form("/delete").values["move_to"] == [str(world.roles["agent"])]
    assert "The role Manager is deleted. 2 people have Agent instead." in (
        refused.form("/delete").send("Delete role").notices
    )
    history = open_page(administrator, f"{world.url}/{one}/history").text
    assert "Deleted the role Manager" in history
    assert "People have instead: Agent" in history


def test_another_contracts_role_is_not_there(app: Flask, world: World, administrator: Actor) -> None:
    other = make_contract(app, "bolt")
    foreign = world.scalar(sa.select(Role.id).where(Role.contract_id == other, Role.key == "manager"))
    assert administrator.get(f"/c/acme/roles/{foreign}").status_code == 404
    assert administrator.post(f"/c/acme/roles/{foreign}", {"name": "Mine"}).status_code == 404
    world.give(world.add("Anna Kim", status="active"), role="manager")
    refused = administrator.post(f"/c/acme/roles/{world.roles['manager']}/delete", {"move_to": foreign})
    assert refused.status_code == 422
