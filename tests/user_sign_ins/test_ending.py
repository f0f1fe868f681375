"""Ending somebody's sign-ins: for this contract, at once, and for no other."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import PASSWORD, Actor, make_actor, make_contract, make_support, sign_in
from tests.auth.form import attempt
from tests.users.pages import Page, open_page
from tests.users.test_reporting_access import sees
from tests.users.world import World
from webapp.core.models import SignInSession, User


def end(actor: Actor, world: World, other: Actor) -> Page:
    user = world.user_of(other.account_id)
    page = open_page(actor, f"{world.url}/{user}")
    (link,) = [one for one in page.root.all("a") if one.text == "Sign out everywhere…"]
    return open_page(actor, link.attrs["href"]).form("/end-sign-ins").send("Sign them out")


def sessions(world: World, actor: Actor) -> int:
    counted = sa.select(sa.func.count()).where(SignInSession.account_id == actor.account_id)
    return int(world.scalar(counted))


def test_S14_an_administrator_ends_the_sign_ins_of_somebody_in_this_contract_alone(
    app: Flask, world: World, administrator: Actor
) -> None:
    other_contract = make_contract(app, "bolt")
    ana = make_actor(app, world.contract_id, "team_leader", email="ana@example.com")
    make_actor(app, other_contract, "manager", email="ana@example.com")
    second = sign_in(app, ana.account_id, ana.email)
    for browser in (ana, second):
        assert browser.get("/c/acme/").status_code == 200
        assert browser.get("/c/bolt/users").status_code == 200

    done = end(administrator, world, ana)
    assert "is signed out of Contract acme everywhere. To come back, they sign in again." in done.notices
    for browser in (ana, second):  # at once, for pages and forms alike
        refused = browser.get("/c/acme/?x=1")
        assert refused.status_code == 403
        assert "Sign in again to open Contract acme" in refused.text
        assert browser.post("/c/acme/users/new").status_code in (400, 403)
        assert browser.get("/c/bolt/users").status_code == 200
        assert browser.get("/account?of=acme").status_code == 200
    assert sessions(world, ana) >= 2
    (event,) = world.audit("users.sign_ins_ended")
    assert (event.target_type, event.target_id) == ("user", world.user_of(ana.account_id))

    (way,) = [
        one.attrs["value"]
        for one in open_page(ana, "/c/acme/?x=1").root.one("main").all("input", name="next")
    ]
    signed_out = ana.post("/sign-out", {"next": way})
    assert signed_out.location == "/sign-in?next=/c/acme/?x%3D1"
    assert attempt(ana.client, PASSWORD, email=ana.email).status_code == 303
    assert ana.get("/c/acme/").status_code == 200
    assert second.get("/c/acme/").status_code == 403  # the other browser has not


def test_S14_who_is_in_no_other_contract_is_signed_out(app: Flask, world: World, manager: Actor) -> None:
    ana = make_actor(app, world.contract_id, "team_leader", email="ana@example.com")
    end(manager, world, ana)
    assert sessions(world, ana) == 0
    assert ana.get("/c/acme/").location == "/sign-in?next=/c/acme/"
    assert attempt(ana.client, PASSWORD, email=ana.email).status_code == 303
    assert ana.get("/c/acme/").status_code == 200


def test_S14_support_staff_keep_what_they_have_as_support(app: Flask, world: World, manager: Actor) -> None:
    sol = make_support(app, "sol@example.com")
    make_actor(app, world.contract_id, "manager", email="sol@example.com")
    assert sol.get("/c/acme/users").status_code == 200
    end(manager, world, sol)
    assert sol.get("/c/acme/users").status_code == 403
    assert sol.get("/support/sync-status").status_code == 200


def test_S14_nobody_ends_the_sign_ins_of_who_has_more_or_their_own(
    app: Flask, world: World, manager: Actor, administrator: Actor
) -> None:
    mine, above = world.user_of(manager.account_id), world.user_of(administrator.account_id)
    (nobody,) = world.add("Nobody Yet", status="active")
    partly = sees(world, make_actor(app, world.contract_id, "manager"), "Leeds")
    for actor, user, words in (
        (manager, mine, "These are your own sign-ins: end them on your account page."),
        (manager, above, "They may do or see more than you"),
        (partly, mine, "They may do or see more than you"),
        (manager, nobody, "They have no account to sign in with."),
    ):
        assert "Sign out everywhere…" not in open_page(actor, f"{world.url}/{user}").text
        for answer in (
            actor.get(f"{world.url}/{user}/end-sign-ins", follow_redirects=True),
            actor.post(f"{world.url}/{user}/end-sign-ins", follow_redirects=True),
        ):
            assert f"Nobody was signed out. {words}" in answer.text
    assert not world.audit("users.sign_ins_ended")
    assert administrator.get("/c/acme/users").status_code == 200
    agent = make_actor(app, world.contract_id, "agent")
    assert agent.post(f"{world.url}/{mine}/end-sign-ins").status_code == 403
    elsewhere = make_actor(app, make_contract(app, "bolt"), "administrator")
    assert elsewhere.post(f"/c/bolt/users/{mine}/end-sign-ins").status_code == 404


def test_S14_the_page_says_when_somebody_was_here_last_and_nothing_of_elsewhere(
    app: Flask, world: World, manager: Actor
) -> None:
    make_actor(app, make_contract(app, "bolt"), "manager", email="ana@example.com").get("/c/bolt/users")
    ana = make_actor(app, world.contract_id, "agent", email="ana@example.com")
    user = world.user_of(ana.account_id)
    panel = open_page(manager, f"{world.url}/{user}").root.one("section", id="sign-ins").text
    assert "Last seenNever" in panel
    assert "Signed in nowIn 2 browsers" in panel
    ana.get("/c/acme/")
    assert "Last seenNever" not in open_page(manager, f"{world.url}/{user}").text
    end(manager, world, ana)
    panel = open_page(manager, f"{world.url}/{user}").root.one("section", id="sign-ins").text
    assert "Signed in nowNowhere" in panel
    assert "Signed out everywhere" in panel


def test_S14_a_merge_brings_no_ended_sign_in_back(app: Flask, world: World, administrator: Actor) -> None:
    """The account goes to who stays, and what was ended with it."""
    make_actor(app, make_contract(app, "bolt"), "manager", email="ana@example.com")
    ana = make_actor(app, world.contract_id, "agent", email="ana@example.com")
    user = world.user_of(ana.account_id)
    end(administrator, world, ana)
    (kept,) = world.add("Ana Again", status="active")
    world.give([kept], role="agent", team="Chat")
    form = open_page(administrator, f"{world.url}/{kept}/merge/{user}").form(f"/merge/{user}")
    form.fill(stays=kept).send("Merge")
    assert world.user_of(ana.account_id) == kept
    assert ana.get("/c/acme/").status_code == 403
    undone = open_page(administrator, f"{world.url}/merges/1/undo").form("/undo").send("Undo the merge")
    assert "The merge is undone." in undone.notices
    assert world.user_of(ana.account_id) == user
    assert ana.get("/c/acme/").status_code == 403
    assert world.scalar(sa.select(User.sign_ins_ended_at).where(User.id == kept)) is None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_visit_is_noted_once_in_five_minutes(world: World, manager: Actor) -> None:
    me = world.user_of(manager.account_id)
    manager.get("/c/acme/users")
    first = world.scalar(sa.select(User.last_seen_at).where(User.id == me))
    manager.get("/c/acme/users")
    assert world.scalar(sa.select(User.last_seen_at).where(User.id == me)) == first
