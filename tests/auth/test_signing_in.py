"""Signing in and out through the browser's eyes, on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config import Settings
from tests.actors import PASSWORD, Actor, csrf_of, deactivate, make_actor, make_contract, sign_in
from webapp import create_app
from webapp.auth import sessions, throttle
from webapp.auth.passwords import hash_password
from webapp.database import write_transaction
from webapp.models import Account, AuditEvent, SignInSession, SignInThrottle, db, utcnow

EMAIL = "ines@example.com"


@pytest.fixture
def contract_id(app: Flask) -> int:
    return make_contract(app, "acme")


@pytest.fixture
def ines(app: Flask, contract_id: int) -> Actor:
    return make_actor(app, contract_id, "administrator", email=EMAIL)


def attempt(client: FlaskClient, password: str, email: str = EMAIL, **fields: str) -> TestResponse:
    page = client.get("/sign-in")
    return client.post(
        "/sign-in", data={"csrf_token": csrf_of(page), "email": email, "password": password, **fields}
    )


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


def test_guessing_is_slowed_down_and_ends_by_itself(
    app: Flask, ines: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = utcnow()
    monkeypatch.setattr("webapp.auth.signing_in.utcnow", lambda: now)
    client = app.test_client()
    answers = [attempt(client, f"wrong password {n}").status_code for n in range(8)]
    assert answers[:5] == [401] * 5
    assert answers[5:] == [429] * 3

    refused = attempt(client, PASSWORD)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1

    now += timedelta(minutes=16)
    assert attempt(client, PASSWORD).status_code == 303


def test_tries_at_the_same_moment_are_all_counted(app: Flask, ines: Actor) -> None:
    clients = [app.test_client() for _ in range(8)]
    tokens = [csrf_of(client.get("/sign-in")) for client in clients]
    together = threading.Barrier(8)

    def guess(number: int) -> int:
        together.wait(30)
        form = {"csrf_token": tokens[number], "email": EMAIL, "password": f"wrong password {number}"}
        return clients[number].post("/sign-in", data=form).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(guess, range(8)))
    assert answers == [401] * 5 + [429] * 3


def test_a_forged_address_does_not_get_around_the_throttle(app: Flask, ines: Actor) -> None:
    client = app.test_client()
    answers = []
    for n in range(7):
        token = csrf_of(client.get("/sign-in"))
        answers.append(
            client.post(
                "/sign-in",
                data={"csrf_token": token, "email": EMAIL, "password": "wrong password"},
                headers={"X-Forwarded-For": f"203.0.113.{n}"},
            ).status_code
        )
    assert answers[-1] == 429


def test_behind_our_own_proxy_each_client_is_counted_by_itself(
    settings: Settings, app: Flask, ines: Actor
) -> None:
    """The proxy adds the address it was asked from; what stands before it is only what the client said."""
    behind = create_app(replace(settings, proxies=1))

    def guess(said: str) -> int:
        client = behind.test_client()
        form = {"csrf_token": csrf_of(client.get("/sign-in")), "email": EMAIL, "password": "wrong password"}
        return client.post("/sign-in", data=form, headers={"X-Forwarded-For": said}).status_code

    assert [guess(f"203.0.113.{n}, 198.51.100.7") for n in range(6)] == [401] * 5 + [429]
    assert guess("198.51.100.7, 198.51.100.8") == 401
    with app.app_context():
        noted = set(
            db.session.scalars(
                sa.select(AuditEvent.address).where(AuditEvent.action == "account.sign_in_failed")
            )
        )
        db.session.remove()
    assert noted == {"198.51.100.7", "198.51.100.8"}
    with behind.app_context():
        db.engine.dispose()


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("2001:db8:1:2::1", True),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:3::1", False),
        ("203.0.113.1", False),
    ],
)
def test_the_addresses_that_one_person_holds_count_as_one(app: Flask, address: str, same: bool) -> None:
    now = utcnow()
    with app.app_context():
        with write_transaction() as session:
            for _ in range(5):
                assert throttle.admit(session, EMAIL, "2001:db8:1:2:3:4:5:6", now) is None
        with write_transaction() as session:
            assert (throttle.admit(session, EMAIL, address, now) is not None) is same


def test_signing_in_forgets_the_tries_before_it(app: Flask, ines: Actor) -> None:
    for password, status in [*[("wrong password", 401)] * 4, (PASSWORD, 303), *[("wrong password", 401)] * 4]:
        assert attempt(app.test_client(), password).status_code == status
    with app.app_context():
        counted = db.session.execute(sa.select(SignInThrottle.key, SignInThrottle.failures))
        assert {key.split(":")[0]: count for key, count in counted} == {"pair": 4, "address": 8, "email": 8}


def test_counters_are_cleared_away_when_they_say_nothing_any_more(app: Flask, ines: Actor) -> None:
    attempt(app.test_client(), "wrong password", email="someone@example.com")
    with app.app_context(), write_transaction() as session:
        session.execute(sa.update(SignInThrottle).values(last_failed_at=utcnow() - timedelta(days=2)))
    attempt(app.test_client(), PASSWORD)
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(SignInThrottle)) == 2


def test_a_stranger_elsewhere_cannot_lock_the_owner_out_for_long(app: Flask, ines: Actor) -> None:
    now = utcnow()
    with app.app_context(), write_transaction() as session:
        for n in range(100):
            throttle.admit(session, EMAIL, f"203.0.113.{n}", now + timedelta(seconds=n))
    with app.app_context():
        longest = db.session.scalar(sa.select(sa.func.max(SignInThrottle.blocked_until)))
    assert isinstance(longest, datetime)
    assert longest <= now + timedelta(seconds=100) + throttle.LIMITS["email"].longest


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
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert hash_password("x") != hash_password("x")


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
