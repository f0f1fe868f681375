"""What somebody with bad intent would try, by the numbers of the list of attacks."""

from __future__ import annotations

import io
import json
import re
from urllib.parse import quote

import flask_login
import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from tests.access.table import FORMS
from tests.access.test_walk import EXPECTED, address, answer_of, tokens, unchanged
from tests.access.world import ROLES, World
from tests.actors import PASSWORD, csrf_of, make_actor, make_contract
from webapp.auth import passwords
from webapp.auth.accounts import set_password
from webapp.auth.sign_in_manager import TOKEN
from webapp.database import write_transaction
from webapp.logs import escape
from webapp.models import Account

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
    assert 'name="next" value=""' in page.text or f'<a href="{target}' not in page.text
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
            set_password(session, session.get_one(Account, someone.account_id), "another good pass phrase")

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


# ------------------------------------------------------------------ strange values
NUMBERS = [
    "0",
    "-1",
    "abc",
    "1.5",
    "1e9",
    "99999999999999999999",
    "9" * 400,
    "",
    " ",
    "%00",
    "1;DROP TABLE users",
    "٣",
]


@pytest.mark.parametrize("name", ["page", "per_page"])
def test_attack_23_pages_that_there_are_not(there: World, name: str) -> None:
    administrator = there.actors["administrator"].client
    for target in ("/c/amarok/users", "/c/amarok/audit", f"/c/amarok/sync-status/runs/{there.a.run_id}"):
        for number in NUMBERS:
            given = administrator.get(f"{target}?{name}={quote(number, safe='%')}").status_code
            assert given == (400 if "%00" in number else 200), (target, number)


NAMES = ["%00", "%ff", "a" * 10_000, "'", "..%2f..%2fetc%2fpasswd"]
IDS = ["0", "-1", "1e3", "0x1", "1.0", str(2**63), str(10**30), *NAMES]


def test_attack_24_ids_that_there_are_not(there: World) -> None:
    administrator, token = there.actors["administrator"].client, tokens(there)["administrator"]
    with unchanged(there):
        for method, rule in EXPECTED:
            if "<contract>" not in rule:
                continue
            for converter, argument in re.findall(r"<(int:)?(\w+)>", rule):
                target = address(there, rule, there.a, **{argument: 424242})
                for id_ in IDS if converter else NAMES:
                    form = {"csrf_token": token} if method == "POST" else None
                    answer = administrator.open(target.replace("424242", id_), method=method, data=form)
                    if answer.status_code == 308:  # to the same address with its slashes in order
                        answer = administrator.open(answer.location, method=method, data=form)
                    assert answer.status_code in (400, 404), (method, rule, argument, id_)


WORDS = [
    "%",
    "_",
    "\\",
    "%25",
    "'",
    '"',
    "'; DROP TABLE users;--",
    "x" * 100_000,
    "\u202e",
    "🎉",
    "*",
    "(",
    "a\nb",
]
NUMBER_LIKE = ["0", "-1", "abc", "9" * 30, "1,2", "\u0663"]
PACKED = ["0", "-", "zzzzzzzzzzzzzzz", "a." * 400]
SELECTION = {
    "ids": NUMBER_LIKE,
    "kept": PACKED,
    "without": PACKED,
    "shown": PACKED,
    "scope": ["all", "x"],
    "first": NUMBER_LIKE,
    "status": ["x", "active' OR '1'='1", "pending,active"],
}
STRANGE: dict[str, dict[str, list[str]]] = {
    "/c/amarok/users": {
        "q": WORDS,
        "sort": ["password_hash", "-password_hash", "name;--", "name DESC", "1", "(SELECT 1)", "--"],
        "dir": [";--", "desc"],
        "platform": ["x", "intercom'--", "../intercom"],
        "role": NUMBER_LIKE,
        "team": NUMBER_LIKE,
        "missing": ["x", "intercom", "any"],
        "select": ["all", "x"],
        "keep": PACKED,
        **SELECTION,
    },
    "/c/amarok/users/activate": SELECTION,
    "/c/amarok/users/deactivate": SELECTION,
    "/c/amarok/audit": {"q": WORDS, "actor": WORDS, "action": WORDS, "sort": ["password_hash"]},
    "/c/amarok/sync-status/runs/1": {"kind": WORDS, "q": WORDS},
    "/integrations/intercom/callback": {"state": WORDS, "code": ["x"], "error": ["<svg onload=1>"]},
    "/sign-in": {"next": WORDS},
}


@pytest.mark.parametrize("target", STRANGE)
def test_attack_25_parameters_that_nobody_would_send(there: World, target: str) -> None:
    administrator = there.actors["administrator"].client
    with unchanged(there):
        for name, values in STRANGE[target].items():
            for value in values:
                answer = administrator.get(target, query_string={name: value})
                assert answer.status_code in (200, 302, 400, 404), (name, value)
                assert "<svg onload" not in answer.text


def test_attack_25_signs_of_a_pattern_are_searched_for_as_they_are(there: World) -> None:
    administrator = there.actors["administrator"].client
    assert "Pia of amarok" in administrator.get("/c/amarok/users?status=pending&q=pia").text
    for sign in ("%", "_", "\\", "p%a", "p_a", "%25"):
        page = administrator.get("/c/amarok/users", query_string={"status": "pending", "q": sign}).text
        assert "Pia of amarok" not in page, sign


# ------------------------------------------------------------------ forms
def send(there: World, rule: str, **request: object) -> TestResponse:
    return there.actors["administrator"].client.post(address(there, rule, there.a), **request)  # type: ignore[arg-type]


def test_attack_26_forms_that_did_not_come_from_our_pages(there: World) -> None:
    token = tokens(there)["administrator"]
    foreign = tokens(there)["other"]
    with unchanged(there):
        for method, rule in EXPECTED:
            if method != "POST":
                continue
            form = FORMS.get(rule, lambda _: {})(there.a)
            whole = json.dumps(form | {"csrf_token": token})
            for request in (
                {"data": form},
                {"data": form | {"csrf_token": foreign}},
                {"data": form | {"csrf_token": token[:-1]}},
                {"data": form, "query_string": {"csrf_token": token}},
                {"data": form, "headers": {"Cookie": f"csrf_token={token}"}},
                {"data": whole, "content_type": "text/plain"},
                {"data": whole, "content_type": "application/json"},
            ):
                assert send(there, rule, **request).status_code == 400, (rule, request)


def test_attack_26_a_method_hidden_in_a_form_is_not_used(there: World) -> None:
    token = tokens(there)["administrator"]
    with unchanged(there):
        for name in ("DELETE", "POST"):
            for target in ("/c/amarok/audit", "/c/amarok/users"):
                answer = there.actors["administrator"].client.get(
                    target,
                    query_string={"_method": name, "csrf_token": token},
                    headers={"X-HTTP-Method-Override": name},
                )
                assert answer.status_code == 200
                answer = there.actors["administrator"].post(target, {"_method": "GET"})
                assert answer.status_code == 405


@pytest.mark.parametrize("path", ["/sign-in", "/theme", "/c/amarok/users/activate", "/nothing-here"])
def test_attack_27_twenty_thousand_fields(there: World, path: str) -> None:
    token = tokens(there)["administrator"]
    fields = MultiDict([("csrf_token", token), *((f"f{n}", "") for n in range(20_000))])
    with unchanged(there):
        for content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
            client = there.actors["administrator"].client
            assert client.post(path, data=fields, content_type=content_type).status_code == 413
        assert there.actors["administrator"].get(path, query_string=fields).status_code == 413


class Zeros(io.RawIOBase):
    """A body of so many bytes that counts how many of them were read."""

    def __init__(self, size: int) -> None:
        self.left, self.size = size, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = min(len(buffer), self.left)
        buffer[:count] = b"0" * count
        self.left -= count
        return count


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
@pytest.mark.parametrize("chunked", [False, True])
def test_attack_27_a_body_of_fifty_megabytes_is_not_read(
    there: World, content_type: str, chunked: bool
) -> None:
    body = Zeros(50 * 1024 * 1024)
    stream = io.BufferedReader(body)
    for path in ("/sign-in", "/c/amarok/users/activate", "/nothing-here"):
        environ = EnvironBuilder(path=path, method="POST", content_type=content_type).get_environ()
        environ |= {"wsgi.input": stream, "HTTP_HOST": "127.0.0.1"}
        if chunked:
            environ |= {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
            environ.pop("CONTENT_LENGTH", None)
        else:
            environ["CONTENT_LENGTH"] = str(body.size)
        _, status, _ = run_wsgi_app(there.app, environ, buffered=True)
        assert status.startswith("413")
    assert body.size - body.left < 4 * 1024 * 1024


SIGNERS = [
    "ana\r\n2026-11-24T00:00:00.000Z WARNING webapp.auth [-] sign-in failed for nobody",
    "ana\x1b[2J\x1b[31m@example.com",
    "ana\u2028@example.com",
    "ana\x85@example.com",
    "ana\u202e@example.com",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "' OR 1=1 --",
    "%s%s%n",
]


@pytest.mark.parametrize("name", SIGNERS)
def test_attack_29_a_name_that_writes_its_own_log_line(
    app: Flask, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = app.test_client()
    form = {"csrf_token": csrf_of(client.get("/sign-in")), "email": name, "password": "x" * 20}
    answer = client.post("/sign-in", data=form)
    assert answer.status_code == 401
    assert "<script>alert" not in answer.text
    assert "49" not in answer.text.split("<main")[1]
    (record,) = [record for record in caplog.records if "sign-in failed" in record.getMessage()]
    assert escape(record.getMessage()).isprintable()
    assert len(escape(record.getMessage()).splitlines()) == 1


@pytest.mark.parametrize(("length", "status"), [(257, 422), (900_000, 422), (1_100_000, 413)])
def test_attack_29_a_huge_password_is_refused_before_it_costs_anything(
    there: World, length: int, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> bool:
        raise AssertionError("a password that is too long was compared")

    monkeypatch.setattr(passwords, "verify", broken)
    client = there.app.test_client()
    form = {
        "csrf_token": csrf_of(client.get("/sign-in")),
        "email": "ana@example.com",
        "password": "x" * length,
    }
    assert client.post("/sign-in", data=form).status_code == status


def test_nobody_can_call_themselves_someone_else(there: World) -> None:
    """Attack 6, as far as there are forms: fields that a form does not have do nothing."""
    extra = {
        "role": "administrator",
        "is_admin": "1",
        "contract_id": "2",
        "account_id": "1",
        "password_hash": "x",
    }
    for role in ROLES:
        there.actors[role].post("/theme", {"theme": "system", **extra})
    assert there.actors["agent"].get("/c/amarok/users").status_code == 403
    assert there.actors["agent"].get("/c/borealis/users").status_code == 404
