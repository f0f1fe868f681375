"""Signing in and out through the browser's eyes, on both databases."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.actors import PASSWORD, Actor, csrf_of, deactivate, make_actor, sign_in
from tests.auth.form import EMAIL, attempt
from tests.auth.meanwhile import while_verifying
from webapp.accounts.profile.service import put_password
from webapp.accounts.sign_in import accounts, sessions
from webapp.accounts.sign_in.passwords import hash_password
from webapp.core.database import write_transaction
from webapp.core.models import Account, AuditEvent, SignInSession, db, utcnow


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/c/acme/audit").status_code == 200


def test_the_right_password_opens_the_contract(app: Flask, ines: Actor) -> None:
    client = app.test_client()

    answer = attempt(client, PASSWORD, email="  INES@Example.com ")

    assert (answer.status_code, answer.location) == (303, "/")
    assert is_signed_in(client)


@pytest.mark.parametrize("password", [PASSWORD + " ", " " + PASSWORD, PASSWORD.upper(), PASSWORD[:-1], ""])
def test_a_password_is_compared_exactly(app: Flask, ines: Actor, password: str) -> None:
    client = app.test_client()

    answer = attempt(client, password)

    assert answer.status_code in (401, 422)
    assert not is_signed_in(client)


def test_known_and_unknown_addresses_get_the_same_answer(app: Flask, ines: Actor) -> None:
    known = attempt(app.test_client(), "wrong password 1")
    unknown = attempt(app.test_client(), "wrong password 1", email="nobody@example.com")

    def normal(answer: TestResponse) -> str:
        text = answer.text.replace("nobody@example.com", EMAIL)
        return text.replace(csrf_of(answer), "").split("data-now")[0] + text.split("<body>")[1].replace(
            csrf_of(answer), ""
        )

    assert known.status_code == unknown.status_code == 401
    assert normal(known) == normal(unknown)


def test_signing_in_starts_a_fresh_session(app: Flask, ines: Actor) -> None:
    client = app.test_client()
    before = csrf_of(client.get("/sign-in"))
    attempt(client, PASSWORD)

    answer = client.post("/sign-out", data={"csrf_token": before})

    assert answer.status_code == 400
    assert is_signed_in(client)


def test_signing_in_again_ends_the_session_before(app: Flask, ines: Actor) -> None:
    old = ines.client.get_cookie("rollcall-8000")
    assert old is not None
    form = {"email": EMAIL, "password": PASSWORD}
    assert ines.post("/sign-in", form).status_code == 303
    assert is_signed_in(ines.client)

    left_behind = app.test_client()
    left_behind.set_cookie("rollcall-8000", old.value)
    assert not is_signed_in(left_behind)


def test_signing_out_ends_the_session_on_the_server(app: Flask, ines: Actor) -> None:
    stolen = app.test_client()
    cookie = ines.client.get_cookie("rollcall-8000")
    assert cookie is not None
    stolen.set_cookie("rollcall-8000", cookie.value)
    assert is_signed_in(stolen)

    assert ines.post("/sign-out").status_code == 303

    assert not is_signed_in(ines.client)
    assert not is_signed_in(stolen)


def test_signing_out_by_a_link_does_nothing(ines: Actor) -> None:
    assert ines.get("/sign-out").status_code == 405
    assert is_signed_in(ines.client)


@pytest.mark.parametrize(
    ("created", "seen", "alive"),
    [
        (timedelta(hours=1), timedelta(hours=1), True),
        (timedelta(hours=3), timedelta(hours=2, seconds=1), False),
        (timedelta(hours=11, minutes=59), timedelta(0), True),
        (timedelta(hours=12, seconds=1), timedelta(0), False),
    ],
)
def test_a_session_ends_when_idle_and_when_old(
    app: Flask, ines: Actor, created: timedelta, seen: timedelta, alive: bool
) -> None:
    lifetime = app.extensions["settings"].session_absolute
    with app.app_context(), write_transaction() as session:
        now = utcnow()
        session.execute(
            sa.update(SignInSession).values(
                created_at=now - created, last_seen_at=now - seen, expires_at=now - created + lifetime
            )
        )
    assert is_signed_in(ines.client) is alive


def test_using_a_session_keeps_it_alive(app: Flask, ines: Actor) -> None:
    earlier = utcnow() - timedelta(minutes=90)
    with app.app_context(), write_transaction() as session:
        session.execute(sa.update(SignInSession).values(last_seen_at=earlier))

    assert is_signed_in(ines.client)

    with app.app_context():
        seen = db.session.scalars(sa.select(SignInSession.last_seen_at)).one()
    assert seen > earlier + timedelta(minutes=80)


def test_a_deactivated_person_is_out_at_once(app: Flask, contract_id: int, ines: Actor) -> None:
    assert is_signed_in(ines.client)
    deactivate(app, contract_id, ines.account_id)
    assert ines.get("/c/acme/audit").status_code == 404


def test_a_disabled_account_is_out_at_once_and_cannot_come_back(app: Flask, ines: Actor) -> None:
    with app.app_context(), write_transaction() as session:
        session.execute(sa.update(Account).values(disabled_at=utcnow()))
    assert ines.get("/c/acme/audit").status_code == 302
    assert attempt(app.test_client(), PASSWORD).status_code == 401


def test_a_forged_cookie_is_anonymous(app: Flask, ines: Actor) -> None:
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"] = str(ines.account_id)
        cookie["_fresh"] = True
    assert not is_signed_in(client)
    with client.session_transaction() as cookie:
        cookie["sign_in"] = "a" * 43
    assert not is_signed_in(client)


def test_one_persons_session_does_not_open_anothers_account(
    app: Flask, contract_id: int, ines: Actor
) -> None:
    other = make_actor(app, contract_id, "agent")
    with ines.client.session_transaction() as cookie:
        cookie["_user_id"] = str(other.account_id)
    assert not is_signed_in(ines.client)


def test_the_way_back_never_leaves_this_site(app: Flask, ines: Actor) -> None:
    assert attempt(app.test_client(), PASSWORD, next="//evil.example").location == "/"
    assert ines.get("/sign-in?next=/%2509/evil.example").location == "/"
    assert ines.post("/theme", {"theme": "dark", "next": "/\\evil.example"}).location == "/"


def test_the_way_back_is_the_page_that_was_asked_for(app: Flask, ines: Actor) -> None:
    client = app.test_client()
    asked = client.get("/c/acme/audit?q=a%20b&page=2")
    assert asked.status_code == 302
    page = client.get(asked.location)
    answer = client.post(
        "/sign-in",
        data={
            "csrf_token": csrf_of(page),
            "email": EMAIL,
            "password": PASSWORD,
            "next": "/c/acme/audit?q=a%20b&page=2",
        },
    )
    assert 'name="next" value="/c/acme/audit?q=a%20b&amp;page=2"' in page.text
    assert answer.location == "/c/acme/audit?q=a%20b&page=2"


def test_a_failed_try_keeps_the_address_and_drops_the_password(app: Flask, ines: Actor) -> None:
    answer = attempt(app.test_client(), "wrong password here")
    assert f'value="{EMAIL}"' in answer.text
    assert "wrong password here" not in answer.text


def test_a_huge_password_is_refused_before_hashing(app: Flask, ines: Actor) -> None:
    assert attempt(app.test_client(), "x" * 300).status_code == 422
    assert attempt(app.test_client(), "x" * 1_100_000).status_code == 413


def test_an_old_hash_is_upgraded_by_the_next_sign_in(app: Flask, ines: Actor) -> None:
    weak = "$argon2id$v=19$m=8192,t=1,p=1$"
    from argon2 import PasswordHasher

    with app.app_context(), write_transaction() as session:
        old = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
        assert old.startswith(weak)
        session.execute(sa.update(Account).values(password_hash=old))

    assert attempt(app.test_client(), PASSWORD).status_code == 303

    with app.app_context():
        stored = db.session.scalars(sa.select(Account.password_hash)).one()
    assert stored is not None
    assert stored.startswith("$argon2id$v=19$m=65536,t=2,p=1$")
    assert hash_password("x") != hash_password("x")


NEW = "plain kettle rowing far"


def new_password(app: Flask) -> None:
    settings = app.extensions["settings"]
    with write_transaction() as session:
        account = session.scalars(sa.select(Account).where(Account.email == EMAIL)).one()
        put_password(session, account, hash_password(NEW), settings)


def close_account(app: Flask) -> None:
    with write_transaction() as session:
        accounts.close(session, session.scalars(sa.select(Account).where(Account.email == EMAIL)).one())


@pytest.mark.parametrize("happens", [new_password, close_account])
def test_a_password_that_goes_while_it_is_looked_at_opens_nothing(
    app: Flask, ines: Actor, monkeypatch: pytest.MonkeyPatch, happens: Callable[[Flask], None]
) -> None:
    while_verifying(app, monkeypatch, lambda: happens(app))
    assert attempt(app.test_client(), PASSWORD).status_code == 401
    with app.app_context():
        assert db.session.scalars(sa.select(SignInSession)).all() == []


def test_an_old_hash_that_is_upgraded_meanwhile_does_no_harm(
    app: Flask, ines: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def upgrade() -> None:
        with write_transaction() as session:
            session.execute(sa.update(Account).values(password_hash=hash_password(PASSWORD)))

    while_verifying(app, monkeypatch, upgrade)
    assert attempt(app.test_client(), PASSWORD).status_code == 303


def test_signing_in_and_out_is_in_the_audit_log(app: Flask, contract_id: int, ines: Actor) -> None:
    client = app.test_client()
    attempt(client, "wrong password here")
    attempt(client, PASSWORD)
    client.post("/sign-out", data={"csrf_token": csrf_of(client.get("/c/acme/audit"))})
    with app.app_context():
        rows = db.session.execute(
            sa.select(AuditEvent.action, AuditEvent.contract_id, AuditEvent.actor)
            .where(AuditEvent.action.like("account.sign%"))
            .order_by(AuditEvent.id)
        ).all()
    assert [(row.action, row.contract_id) for row in rows] == [
        ("account.sign_in_failed", contract_id),
        ("account.signed_in", contract_id),
        ("account.signed_out", contract_id),
    ]
    assert rows[0].actor == "Nobody signed in"


def test_no_secret_of_a_session_is_stored(app: Flask, ines: Actor) -> None:
    with ines.client.session_transaction() as cookie:
        token = cookie["sign_in"]
    with app.app_context():
        row = db.session.scalars(sa.select(SignInSession)).one()
    assert row.token_hash == sessions.hash_of(token)
    assert token not in (row.token_hash, row.user_agent, row.address)


def test_the_theme_is_kept_for_the_account(app: Flask, ines: Actor) -> None:
    assert ines.post("/theme", {"theme": "dark", "next": "/c/acme/audit"}).location == "/c/acme/audit"
    assert 'data-bs-theme="dark"' in ines.get("/c/acme/audit").text
    elsewhere = sign_in(app, ines.account_id, EMAIL)
    assert 'data-bs-theme="dark"' in elsewhere.get("/c/acme/audit").text
    ines.post("/theme", {"theme": "purple"})
    assert 'data-bs-theme="dark"' in ines.get("/c/acme/audit").text


def test_the_form_welcomes_a_password_manager(app: Flask) -> None:
    """It knows the fields by their kind and autocomplete, and nothing of ours listens to what is pasted."""
    page = app.test_client().get("/sign-in").text
    (email,) = re.findall(r'<input[^>]*name="email"[^>]*>', page)
    (password,) = re.findall(r'<input[^>]*name="password"[^>]*>', page)
    assert 'autocomplete="username"' in email
    assert 'type="password"' in password
    assert 'autocomplete="current-password"' in password
    script = (Path(__file__).parents[2] / "static/app.js").read_text()
    assert not re.search(r"paste|oncopy|\"copy\"", script)
