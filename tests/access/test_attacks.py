"""What somebody with bad intent would try, by the numbers of the list of attacks."""

from __future__ import annotations

import flask_login
import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient

from tests.access.table import FORMS
from tests.access.test_walk import EXPECTED, address, answer_of, tokens, unchanged
from tests.access.world import World
from tests.actors import PASSWORD, csrf_of, make_actor, make_contract
from webapp.accounts.profile.service import set_password
from webapp.accounts.sign_in import passwords
from webapp.accounts.sign_in.sign_in_manager import TOKEN
from webapp.core.database import write_transaction
from webapp.core.models import Account

COOKIE = "rollcall-8000"


def with_cookie(app: Flask, name: str, value: str) -> FlaskClient:
    client = app.test_client()
    client.set_cookie(name, value)
    return client


# ------------------------------------------------------------------ sessions
@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/%09/evil.example", "%20//evil.example", "/\\evil", "https:evil", "javascript:1"],
)
def test_attack_01_a_link_to_the_sign_in_page_that_leads_elsewhere(there: World, target: str) -> None:
    client = there.app.test_client()
    page = client.get("/sign-in", query_string={"next": target})
    assert f'name="next" value="{target}"' not in page.text
    form = {
        "csrf_token": csrf_of(page),
        "email": there.actors["agent"].email,
        "password": PASSWORD,
        "next": target,
    }
    assert client.post("/sign-in", data=form).location == "/"
    assert client.get("/sign-in", query_string={"next": target}).location == "/"


@pytest.mark.parametrize("ended_by", ["signing out", "a new password"])
def test_attack_02_a_copied_session_is_replayed_after_its_end(app: Flask, ended_by: str) -> None:
    someone = make_actor(app, make_contract(app, "acme"), "administrator")
    cookie = someone.client.get_cookie(COOKIE)
    assert cookie is not None
    with app.test_request_context():
        remember = flask_login.encode_cookie(str(someone.account_id))
    copied = with_cookie(app, COOKIE, cookie.value)
    assert copied.get("/c/acme/audit").status_code == 200

    if ended_by == "signing out":
        someone.post("/sign-out")
    else:
        with app.app_context(), write_transaction() as session:
            account = session.get_one(Account, someone.account_id)
            set_password(session, account, "another good pass phrase", app.extensions["settings"])

    for client in (
        someone.client,
        with_cookie(app, COOKIE, cookie.value),
        with_cookie(app, "remember_token", remember),
    ):
        assert answer_of(client.get("/c/acme/audit")) == "in"
    copied.set_cookie("remember_token", remember)
    assert answer_of(copied.get("/c/acme/audit")) == "in"


@pytest.mark.parametrize("key", ["dev", "changeme", "secret", "rollcall", "you-will-never-guess", ""])
def test_attack_03_a_session_is_signed_with_a_key_that_people_use(there: World, key: str) -> None:
    forger = Flask("forger")
    forger.secret_key = key or " "
    serializer = SecureCookieSessionInterface().get_signing_serializer(forger)
    assert serializer is not None
    claims = {"_user_id": str(there.actors["administrator"].account_id), TOKEN: "x" * 43, "_fresh": True}
    assert answer_of(with_cookie(there.app, COOKIE, serializer.dumps(claims)).get("/c/amarok/audit")) == "in"


def test_attack_03_even_the_right_key_does_not_make_a_session(there: World) -> None:
    """Whoever reads the key still needs a secret that only the browser has."""
    serializer = SecureCookieSessionInterface().get_signing_serializer(there.app)
    assert serializer is not None
    for claims in (
        {"_user_id": str(there.actors["administrator"].account_id)},
        {"_user_id": str(there.actors["administrator"].account_id), TOKEN: "1"},
        {"_user_id": str(there.actors["administrator"].account_id), TOKEN: None},
        {"_user_id": str(there.actors["administrator"].account_id), TOKEN: [1]},
        {"_user_id": "1 OR 1=1", TOKEN: "x"},
    ):
        assert (
            answer_of(with_cookie(there.app, COOKIE, serializer.dumps(claims)).get("/c/amarok/audit")) == "in"
        )


def test_attack_04_an_administrator_of_another_contract_tries_every_address(
    there: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING", logger="webapp")
    attacker, token = there.actors["other"].client, tokens(there)["other"]
    with unchanged(there):
        for method, rule in EXPECTED:
            if "<contract>" not in rule:
                continue
            caplog.clear()
            target = address(there, rule, there.a)
            form = FORMS.get(rule, lambda _: {})(there.a) | {"csrf_token": token}
            answer = attacker.open(target, method=method, data=form if method == "POST" else None)
            assert answer.status_code == 404, (method, rule)
            assert [record for record in caplog.records if getattr(record, "event", None) == "denied"], rule


# ------------------------------------------------------------------ where it believes to be
@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "X-Forwarded-Server", "Forwarded", "X-Host"])
def test_attack_10_another_host_is_claimed(there: World, header: str) -> None:
    value = "host=evil.example" if header == "Forwarded" else "evil.example"
    for path in ("/", "/sign-in", "/c/amarok", "/c/amarok/integrations/platforms/intercom"):
        for actor in ("anon", "administrator"):
            answer = there.actors[actor].get(path, headers={header: value})
            assert answer.status_code == 400 or header != "Host"
            assert "evil.example" not in answer.text
            assert "evil.example" not in str(answer.headers)


def test_attack_11_a_hundred_passwords_from_ever_new_addresses(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_actor(app, make_contract(app, "acme"), "administrator", email="ana@example.com")
    compared = []
    verify = passwords.verify
    monkeypatch.setattr(passwords, "verify", lambda *given: (compared.append(given), verify(*given))[1])
    client = app.test_client()
    token = csrf_of(client.get("/sign-in"))
    answers = []
    for n in range(100):
        form = {"csrf_token": token, "email": "ana@example.com", "password": f"wrong password {n}"}
        forged = {"X-Forwarded-For": f"1.2.3.{n}", "X-Real-IP": f"1.2.3.{n}", "Forwarded": f"for=1.2.3.{n}"}
        answers.append(client.post("/sign-in", data=form, headers=forged).status_code)
    assert answers == [401] * 5 + [429] * 95
    assert len(compared) == 5
