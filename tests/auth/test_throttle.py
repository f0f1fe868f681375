"""Guessing passwords is slowed down, and the rightful owner is not locked out by it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from config import Settings
from tests.actors import PASSWORD, Actor, csrf_of
from tests.auth.form import EMAIL, attempt
from webapp import create_app
from webapp.accounts.sign_in import throttle
from webapp.accounts.sign_in.hashing import gate
from webapp.core.database import write_transaction
from webapp.core.models import AuditEvent, SignInThrottle, db, utcnow


def test_guessing_is_slowed_down_and_ends_by_itself(
    app: Flask, ines: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = utcnow()
    monkeypatch.setattr("webapp.accounts.sign_in.signing_in.utcnow", lambda: now)
    client = app.test_client()
    answers = [attempt(client, f"wrong password {n}").status_code for n in range(8)]
    assert answers[:5] == [401] * 5
    assert answers[5:] == [429] * 3

    refused = attempt(client, PASSWORD)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1

    now += timedelta(minutes=16)
    assert attempt(client, PASSWORD).status_code == 303


def test_tries_at_the_same_moment_are_all_counted(
    app: Flask, ines: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "_places", threading.Semaphore(8))  # for each of them
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


def test_who_signs_in_where_they_always_do_is_not_held_up_by_tries_from_elsewhere(
    app: Flask, ines: Actor
) -> None:
    def guess_from_everywhere() -> None:
        with app.app_context(), write_transaction() as session:
            for n in range(100):
                throttle.admit(session, EMAIL, f"203.0.113.{n}", utcnow())

    guess_from_everywhere()
    assert attempt(app.test_client(), PASSWORD).status_code == 429  # never seen here
    with app.app_context(), write_transaction() as session:
        session.execute(sa.delete(SignInThrottle))
    assert attempt(app.test_client(), PASSWORD).status_code == 303
    guess_from_everywhere()
    assert attempt(app.test_client(), PASSWORD).status_code == 303
    guess_from_everywhere()
    answers = [attempt(app.test_client(), f"wrong password {n}").status_code for n in range(6)]
    assert answers == [401] * 5 + [429]  # and guessing from here is as slow as ever


def test_b10_a_block_of_before_the_clock_was_set_back_is_over(
    app: Flask, ines: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = utcnow()
    monkeypatch.setattr("webapp.accounts.sign_in.signing_in.utcnow", lambda: now)
    client = app.test_client()
    assert [attempt(client, f"wrong password {n}").status_code for n in range(6)][-1] == 429
    now -= timedelta(hours=2)
    assert attempt(client, PASSWORD).status_code == 303
