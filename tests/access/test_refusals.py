"""What a refused page says, what the navigation offers, and the switch between contracts."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from tests.access.table import expected
from tests.access.test_walk import address
from tests.access.world import Things, World
from tests.actors import Actor, make_actor, make_contract
from webapp.core import contracts
from webapp.core.database import write_transaction
from webapp.core.models import Account, Contract, Role, RolePermission
from webapp.core.permissions import FEATURES, INTEGRATIONS, MANAGE_ROLES, PERMISSIONS


def words(page: str) -> str:
    """A page's text on one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.split("<main")[1]))


def links(page: str) -> list[str]:
    """Where the side bar leads, in its order."""
    return re.findall(r'<a href="([^"]+)"', page.split('<nav aria-label="Main">')[1].split("</nav>")[0])


def switch(there: World, things: Things, on: bool) -> None:
    with there.app.app_context(), write_transaction() as session:
        contracts.set_feature(session, session.get_one(Contract, things.contract_id), INTEGRATIONS, on=on)


@pytest.mark.parametrize(
    ("actor", "path", "name", "key"),
    [
        ("manager", "/integrations/platforms", "Manage Integrations", "admin.integration.settings"),
        ("system_access", "/users", "Manage Users", "admin.org.users.manage"),
        ("manager", "/audit", "View Audit Log", "admin.audit.view"),
        ("agent", "/sync-status", "View Sync Status", "admin.integration.status.view"),
    ],
)
def test_a_refused_page_names_the_permission_and_who_can_grant_it(
    there: World, actor: str, path: str, name: str, key: str
) -> None:
    answer = there.actors[actor].get(f"/c/amarok{path}")

    said = words(answer.text)
    assert answer.status_code == 403
    assert f"You need the permission {name}" in said
    assert f"Missing Permission {name} {key}" in said
    administrator = re.search(
        r"<b title=\"administrator@example.com\">([^<]+)</b>",
        there.actors["administrator"].get("/c/amarok/audit").text,
    )
    assert administrator is not None
    assert f"Who can grant it {administrator.group(1)}, who manages roles here" in said


def test_who_was_deactivated_is_not_named_as_one_who_can_grant(there: World) -> None:
    said = words(there.actors["agent"].get("/c/amarok/audit").text)
    former = re.search(r"<b title=\"off@example.com\">([^<]+)</b>", there.actors["off"].get("/").text)
    assert former is not None
    assert former.group(1) not in said


def test_who_manages_roles_without_the_permission_is_not_named_as_one_who_can_grant_it(own: World) -> None:
    keeper = own.actors["system_access"]
    with own.app.app_context(), write_transaction() as session:
        for role in session.query(Role).filter_by(key="system_access", contract_id=own.a.contract_id):
            session.add(RolePermission(role_id=role.id, permission=MANAGE_ROLES))
        name = session.get_one(Account, keeper.account_id).name
    assert f"{name}, who" not in words(keeper.get("/c/amarok/structure").text)
    assert name in words(own.actors["agent"].get("/c/amarok/audit").text)


def test_without_anybody_who_manages_roles_an_administrator_is_named(own: World) -> None:
    with own.app.app_context(), write_transaction() as session:
        for granted in session.query(RolePermission).filter_by(permission=MANAGE_ROLES):
            session.delete(granted)
    assert "Who can grant it An administrator of this contract" in words(
        own.actors["agent"].get("/c/amarok/audit").text
    )


def test_every_page_of_integrations_names_the_flag_when_it_is_off(own: World) -> None:
    """For an administrator too, and a form changes nothing."""
    switch(own, own.a, on=False)
    administrator, walked = own.actors["administrator"], 0
    before = own.snapshot()
    for method, rule in expected():
        if ("/integrations/" not in rule and "/sync-status" not in rule) or "<contract>" not in rule:
            continue
        walked += 1
        target = address(own, rule, own.a)
        answer = administrator.get(target) if method == "GET" else administrator.post(target)
        said = words(answer.text)
        assert answer.status_code == 403, rule
        assert f"Missing Feature flag {FEATURES[INTEGRATIONS]} {INTEGRATIONS}" in said, rule
        assert "Who can grant it Whoever runs Rollcall for you" in said, rule
    assert walked >= 20
    assert own.snapshot() == before


def test_the_flag_of_one_contract_is_not_that_of_another(own: World) -> None:
    switch(own, own.a, on=False)
    assert own.actors["other"].get("/c/borealis/integrations/platforms").status_code == 200


def test_the_flag_is_in_force_at_once(own: World) -> None:
    administrator = own.actors["administrator"]
    for on, status in ((False, 403), (True, 200)):
        switch(own, own.a, on)
        assert administrator.get("/c/amarok/integrations/platforms").status_code == status


ALL = [
    "/c/amarok/integrations/platforms",
    "/c/amarok/integrations/platforms/intercom",
    "/c/amarok/integrations/platforms/zendesk",
    "/c/amarok/users",
    "/c/amarok/conflicts",
    "/c/amarok/sync-status",
    "/c/amarok/audit",
    "/c/amarok/roles",
    "/c/amarok/structure",
    "/c/amarok/settings",
    "/c/amarok/notifications",
    "/c/amarok/webhook",
    "/c/amarok/outbox",
]


@pytest.mark.parametrize(
    ("actor", "offered"),
    [
        ("administrator", ALL),
        (
            "manager",
            [
                "/c/amarok/users",
                "/c/amarok/conflicts",
                "/c/amarok/sync-status",
                "/c/amarok/structure",
                "/c/amarok/notifications",
            ],
        ),
        ("system_access", ["/c/amarok/sync-status", "/c/amarok/audit"]),
        ("agent", []),
        ("team_leader", []),
        ("both", ["/c/amarok/sync-status", "/c/amarok/audit"]),
    ],
)
def test_the_navigation_has_what_one_may_open_and_nothing_else(
    there: World, actor: str, offered: list[str]
) -> None:
    client = there.actors[actor]
    page = client.client.get("/c/amarok/", follow_redirects=True)
    assert links(page.text) == offered
    for target in ALL:
        assert client.get(target).status_code == (200 if target in offered else 403)


def test_without_the_flag_the_navigation_offers_no_integrations(own: World) -> None:
    switch(own, own.a, on=False)
    page = own.actors["administrator"].client.get("/c/amarok/", follow_redirects=True)
    assert links(page.text) == [
        "/c/amarok/users",
        "/c/amarok/audit",
        "/c/amarok/roles",
        "/c/amarok/structure",
        "/c/amarok/settings",
        "/c/amarok/notifications",
        "/c/amarok/outbox",
    ]


def test_who_may_open_nothing_is_told_so(there: World) -> None:
    page = there.actors["agent"].get("/c/amarok/")
    assert page.status_code == 200
    assert links(page.text) == []
    assert "Agent" in page.text


def test_someone_in_no_contract_is_told_so(there: World) -> None:
    page = there.actors["off"].get("/")
    assert page.status_code == 200
    assert "/c/" not in page.text


def test_the_switch_offers_the_contracts_one_is_active_in(there: World) -> None:
    both = there.actors["both"].get("/c/borealis/users").text
    assert re.findall(r'<li><a href="(/c/\w+/)"', both) == ["/c/amarok/", "/c/borealis/"]
    for actor in ("administrator", "other"):
        page = there.actors[actor].client.get("/", follow_redirects=True).text
        assert "Switch contract" not in page.split("<main")[0]


def test_switching_is_in_the_address_alone(there: World) -> None:
    """Two tabs, two contracts: each shows its own, with the roles that one has there."""
    both = there.actors["both"]
    assert both.get("/c/borealis/users").status_code == 200
    assert both.get("/c/amarok/users").status_code == 403
    assert both.get("/c/borealis/users").status_code == 200


def test_what_a_client_says_about_the_contract_is_ignored(there: World) -> None:
    both = there.actors["both"].client
    for headers, query in (
        ({"X-Contract": "borealis", "X-Tenant-ID": "2"}, ""),
        ({}, "?contract=borealis"),
        ({}, "?contract_id=2&tenant_id=2&user=1"),
    ):
        assert both.get(f"/c/amarok/users{query}", headers=headers).status_code == 403


def test_a_changed_role_is_in_force_at_once(app: Flask) -> None:
    contract_id = make_contract(app, "acme")
    someone = make_actor(app, contract_id, "agent")
    assert someone.get("/c/acme/users").status_code == 403
    _grant(app, contract_id, someone, "manager")
    assert someone.get("/c/acme/users").status_code == 200


def _grant(app: Flask, contract_id: int, someone: Actor, role: str) -> None:
    make_actor(app, contract_id, role, email=someone.email)


def test_every_permission_has_a_name_and_a_role_that_carries_it() -> None:
    carried = {permission for role in contracts.DEFAULT_ROLES for permission in role.permissions}
    assert carried == set(PERMISSIONS)
    assert all(PERMISSIONS.values())


def test_a_view_that_declares_nothing_is_for_nobody(app: Flask) -> None:
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")
    answer = app.test_client().get("/forgotten")
    assert answer.status_code == 500
    assert "secret" not in answer.text
