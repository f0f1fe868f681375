"""Whoever signs in where they have signed in before is not held up by what strangers do."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.actors import PASSWORD, Actor, csrf_of, deactivate, make_actor
from tests.auth.form import EMAIL, attempt
from tests.mails import mails
from tests.users.pages import open_page
from webapp.accounts.sign_in import known_browsers
from webapp.accounts.sign_in.known_browsers import Browser
from webapp.core.database import write_transaction
from webapp.core.models import Account, SignInThrottle, db, utcnow

COOKIE = "rollcall-browser-8000"
NEW = "plain kettle rowing far"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite: the database makes no difference here."""
    return sqlite_url


def known(app: Flask, password: str = PASSWORD, email: str = EMAIL) -> FlaskClient:
    """A browser in which somebody has signed in and out again."""
    client = app.test_client()
    assert attempt(client, password, email=email).status_code == 303
    client.post("/sign-out", data={"csrf_token": csrf_of(client.get("/nothing-here"))})
    assert client.get("/account").status_code == 302
    return client


def wrong_tries(app: Flask, count: int, *emails: str, address: str = "127.0.0.1") -> list[int]:
    """What a stranger is answered who guesses from one address."""
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = address
    return [
        attempt(client, f"wrong {number}", email=emails[number % len(emails)]).status_code
        for number in range(count)
    ]


def test_A3_thirty_wrong_tries_from_the_same_address_do_not_hold_up_a_known_browser(
    app: Flask, contract_id: int, ines: Actor
) -> None:
    """Behind a proxy that is not counted everybody has the same address, and its counter is full."""
    client, new_here = known(app), app.test_client()
    strangers = [f"person{number}@example.com" for number in range(10)]
    answers = wrong_tries(app, 34, *strangers)
    assert answers[:30] == [401] * 30
    assert answers[-1] == 429
    assert wrong_tries(app, 3, EMAIL) == [429] * 3

    assert attempt(client, PASSWORD).status_code == 303

    assert attempt(new_here, PASSWORD).status_code == 429
    new_here.environ_base["REMOTE_ADDR"] = "203.0.113.7"
    assert attempt(new_here, PASSWORD).status_code == 303


def test_A3_tries_at_one_account_from_everywhere_do_not_either(app: Flask, ines: Actor) -> None:
    client = known(app)
    for number in range(13):
        wrong_tries(app, 5, EMAIL, address=f"203.0.113.{number}")
    assert wrong_tries(app, 1, EMAIL, address="198.51.100.1") == [429]
    assert attempt(client, PASSWORD).status_code == 303


def test_A3_guessing_in_a_known_browser_is_as_slow_as_ever(app: Flask, ines: Actor) -> None:
    client = known(app)
    assert [attempt(client, f"wrong {n}").status_code for n in range(6)] == [401] * 5 + [429]
    assert attempt(client, PASSWORD).status_code == 429
    assert attempt(app.test_client(), PASSWORD).status_code == 303  # counted apart, both ways


def test_A3_a_browser_is_known_for_those_alone_who_signed_in_there(
    app: Flask, contract_id: int, ines: Actor
) -> None:
    """One's own account is no way around the throttle of another's."""
    other = make_actor(app, contract_id, "agent", email="olu@example.com")
    client = known(app, email=other.email)
    assert [attempt(client, f"wrong {n}").status_code for n in range(6)] == [401] * 5 + [429]


def test_A3_a_new_password_makes_every_other_browser_a_stranger(app: Flask, ines: Actor) -> None:
    client, changing = known(app), known(app)
    attempt(changing, PASSWORD)
    form = open_page(Actor(changing, 0, EMAIL), "/account").form("/account/password")
    assert "Your password is changed" in form.fill(current=PASSWORD, password=NEW).send("Change").notices
    wrong_tries(app, 6, EMAIL)
    assert attempt(client, NEW).status_code == 429
    changing.post("/sign-out", data={"csrf_token": csrf_of(changing.get("/account"))})
    assert attempt(changing, NEW).status_code == 303  # in which it was changed


def test_A3_a_reset_by_mail_leads_past_strangers(app: Flask, ines: Actor) -> None:
    client = app.test_client()
    token = csrf_of(client.get("/forgot-password"))
    client.post("/forgot-password", data={"csrf_token": token, "email": EMAIL})
    (mail,) = mails(app, purpose="password_reset")
    wrong_tries(app, 6, EMAIL)
    client.get(mail.link)
    token = csrf_of(client.get("/reset-password"))
    client.post("/reset-password", data={"csrf_token": token, "password": NEW})
    assert client.get("/account").status_code == 302  # nobody is signed in by it
    assert attempt(client, NEW).status_code == 303


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: (
            text[:-4] + ("A" if text[-4] != "A" else "B") + text[-3:]
        ),  # not the last: half of it is no bit
        lambda text: text.partition(".")[0],
        lambda text: "x" * 2000,
        lambda text: "",
        lambda text: "\x00",
    ],
    ids=["tampered", "unsigned", "huge", "empty", "nul"],
)
def test_a_cookie_that_is_not_ours_makes_nobody_known(app: Flask, ines: Actor, spoil: object) -> None:
    client = known(app)
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    client.set_cookie(COOKIE, spoil(cookie.value))  # type: ignore[operator]
    wrong_tries(app, 6, EMAIL)
    assert attempt(client, PASSWORD).status_code == 429


def test_the_cookie_opens_nothing_and_is_kept_from_scripts(app: Flask, contract_id: int, ines: Actor) -> None:
    client = app.test_client()
    answer = attempt(client, PASSWORD)
    (given,) = [text for text in answer.headers.getlist("Set-Cookie") if text.startswith(COOKIE)]
    assert {"HttpOnly", "Path=/", "SameSite=Strict", "Max-Age=15552000"} <= set(given.split("; "))
    alone = app.test_client()
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    alone.set_cookie(COOKIE, cookie.value)
    assert alone.get("/account").status_code == 302
    assert EMAIL not in cookie.decoded_value
    assert not [text for text in client.get("/account").headers.getlist("Set-Cookie") if COOKIE in text]


def test_it_ends_by_itself_with_the_account_and_with_too_many_others(
    app: Flask, contract_id: int, ines: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [ines.account_id, *(make_actor(app, contract_id, "agent").account_id for _ in range(5))]
    with app.app_context():
        accounts = [db.session.get_one(Account, one) for one in ids]
        browser = Browser()
        for account in accounts:
            browser = browser.with_account(account)
        settings = app.extensions["settings"]
        read = known_browsers.loads(known_browsers.dumps(browser, settings), settings)
        assert len(known_browsers.dumps(browser, settings)) <= known_browsers.LONGEST
        assert [read.knows(account) for account in accounts] == [False] + [True] * 5
        assert not read.knows(None)
        with write_transaction() as session:
            session.get_one(Account, accounts[1].id).disabled_at = utcnow()
        assert not read.knows(db.session.get_one(Account, accounts[1].id))
        later = utcnow() + known_browsers.LIFETIME + timedelta(days=1)
        monkeypatch.setattr("webapp.accounts.sign_in.known_browsers.utcnow", lambda: later)
        assert not read.knows(accounts[-1])


def test_who_is_deactivated_stays_out(app: Flask, contract_id: int, ines: Actor) -> None:
    client = known(app)
    deactivate(app, contract_id, ines.account_id)
    attempt(client, PASSWORD)
    assert client.get("/c/acme/audit").status_code == 404


# ------------------------------------------------------------------ forgotten passwords
def ask(client: FlaskClient) -> int:
    token = csrf_of(client.get("/forgot-password"))
    return client.post("/forgot-password", data={"csrf_token": token, "email": EMAIL}).status_code


def test_A6_strangers_who_ask_for_mails_keep_the_owner_from_nothing(app: Flask, ines: Actor) -> None:
    client = known(app)
    for number in range(7):
        stranger = app.test_client()
        stranger.environ_base["REMOTE_ADDR"] = f"203.0.113.{number}"
        answer = ask(stranger)
    assert answer == 429
    assert len(mails(app, purpose="password_reset")) == 6

    assert ask(client) == 200
    form = open_page(ines, "/account").form("/account/email")
    sent = form.fill(email="ines.new@example.com", current=PASSWORD).send("Change email")
    assert "We sent a link to ines.new@example.com" in sent.notices


def test_A6_nobody_has_an_address_flooded(app: Flask, ines: Actor) -> None:
    """Strangers, known browsers and who is signed in: each has a bound, whatever their number."""
    clients = [known(app) for _ in range(4)]
    for _ in range(4):
        for number, client in enumerate(clients):
            client.environ_base["REMOTE_ADDR"] = f"198.51.100.{number}"
            ask(client)
            stranger = app.test_client()
            stranger.environ_base["REMOTE_ADDR"] = f"203.0.113.{number}"
            ask(stranger)
    assert len(mails(app, purpose="password_reset")) <= 12
    answers = [
        open_page(ines, "/account")
        .form("/account/email")
        .fill(email=f"new{number}@example.com", current=PASSWORD)
        .send("Change email")
        .response.status_code
        for number in range(8)
    ]
    assert answers == [200] * 6 + [429] * 2


def test_A6_what_colleagues_at_the_same_address_get_wrong_counts_for_them_alone(
    app: Flask, contract_id: int, ines: Actor
) -> None:
    for number in range(7):
        other = make_actor(app, contract_id, "agent")
        for wrong in range(5):
            form = open_page(other, "/account").form("/account/password")
            form.fill(current=f"wrong {number} {wrong}", password=NEW).send("Change password")
    form = open_page(ines, "/account").form("/account/password")
    assert "Your password is changed" in form.fill(current=PASSWORD, password=NEW).send("Change").notices


def test_A6_the_table_of_counters_holds_neither_email_nor_browser(app: Flask, ines: Actor) -> None:
    client = known(app)
    attempt(client, "wrong")
    ask(client)
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    with app.app_context():
        browser = known_browsers.loads(cookie.value, app.extensions["settings"])
        keys = list(db.session.scalars(sa.select(SignInThrottle.key)))
    assert browser.id
    assert not [key for key in keys if EMAIL in key or browser.id in key]
