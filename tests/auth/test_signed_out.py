"""Whoever was signed in and is not any more is told why, on the sign-in page of that browser alone."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from flask import Flask

from tests.actors import PASSWORD, Actor, deactivate, make_actor, make_contract
from tests.auth.form import EMAIL, attempt
from webapp.core.database import write_transaction
from webapp.core.models import SignInSession, User, utcnow

BY_A_MANAGER = (
    "You were signed out because someone who manages your contract’s users ended your sign-ins; "
    "sign in again."
)
RESTORED = "You were signed out because Rollcall was restored from a backup; sign in again."


def told(actor: Actor) -> str:
    """The page on which the browser lands when it opens one of the contract."""
    answer = actor.get("/c/acme/", follow_redirects=True)
    assert "<h1>Sign in</h1>" in answer.text
    return answer.text


def end_sign_ins(app: Flask, admin: Actor, of: Actor) -> None:
    with app.app_context(), write_transaction() as session:
        user = session.scalars(
            sa.select(User.id).where(User.account_id == of.account_id).order_by(User.id)
        ).first()
    assert admin.post(f"/c/acme/users/{user}/end-sign-ins").status_code == 302


def restore(app: Flask) -> None:
    done = app.test_cli_runner().invoke(args=["restored"])
    assert done.exit_code == 0, done.output


def test_whose_sign_ins_were_ended_is_told_so_until_they_sign_in(
    app: Flask, contract_id: int, ines: Actor
) -> None:
    ana = make_actor(app, contract_id, "agent", email="ana@example.com")
    end_sign_ins(app, ines, ana)
    assert BY_A_MANAGER in told(ana)
    assert "ana@example.com" not in told(ana)  # nor who it was
    assert attempt(ana.client, PASSWORD, email="ana@example.com").status_code == 303
    ana.post("/sign-out")
    assert "You were signed out" not in told(ana)


def test_a_restore_is_told_to_who_was_signed_in_before_it(app: Flask, ines: Actor) -> None:
    restore(app)
    assert RESTORED in told(ines)
    assert attempt(ines.client, PASSWORD, email=EMAIL).status_code == 303
    assert ines.get("/c/acme/audit").status_code == 200


def test_a_session_that_is_not_in_the_backup_is_told_of_the_restore_too(app: Flask, ines: Actor) -> None:
    with app.app_context(), write_transaction() as session:
        session.execute(sa.delete(SignInSession))
        session.execute(sa.update(User).values(account_id=None))  # nor is the account
    restore(app)
    assert RESTORED in told(ines)


def test_who_was_away_for_long_is_told_so(app: Flask, ines: Actor) -> None:
    with app.app_context(), write_transaction() as session:
        session.execute(sa.update(SignInSession).values(last_seen_at=utcnow() - timedelta(hours=3)))
    assert "You were signed out because you had not used Rollcall for a while; sign in again." in told(ines)


def test_strangers_and_other_browsers_are_told_nothing(app: Flask, contract_id: int, ines: Actor) -> None:
    ana = make_actor(app, contract_id, "agent", email="ana@example.com")
    end_sign_ins(app, ines, ana)
    stranger = app.test_client()
    assert "You were signed out" not in stranger.get("/sign-in").text
    assert "You were signed out" not in attempt(stranger, "wrong password 1", email="ana@example.com").text
    with stranger.session_transaction() as cookie:  # as whoever cannot sign one may not even do
        cookie["sign_in"], cookie["_user_id"] = "made up", str(ana.account_id)
    assert "You were signed out" not in stranger.get("/sign-in").text


def test_a_reason_that_is_another_one_is_not_told(app: Flask, contract_id: int, ines: Actor) -> None:
    """Who ended a session themselves, or is no active user any more, was not signed out by a manager."""
    bolt = make_contract(app, "bolt")
    ana = make_actor(app, contract_id, "agent", email="ana@example.com")
    make_actor(app, bolt, "agent", email="ana@example.com")
    end_sign_ins(app, ines, ana)
    with app.app_context(), write_transaction() as session:
        session.execute(sa.delete(SignInSession).where(SignInSession.account_id == ana.account_id))
    assert "You were signed out" not in told(ana)
    bob = make_actor(app, contract_id, "agent", email="bob@example.com")
    end_sign_ins(app, ines, bob)
    deactivate(app, contract_id, bob.account_id)
    assert "You were signed out" not in told(bob)
