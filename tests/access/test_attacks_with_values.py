"""What somebody with bad intent would send, by the numbers of the list of attacks: values, forms and bodies."""

from __future__ import annotations

import io
import json
import re
from urllib.parse import quote

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from tests.access.table import FORMS
from tests.access.test_walk import EXPECTED, address, tokens, unchanged
from tests.access.world import ROLES, World
from tests.actors import csrf_of
from webapp.accounts.sign_in import passwords
from webapp.core.logs import escape

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
DAYS = ["0000-00-00", "9999-12-31", "2026-W01-1", "20260230", "٢٠٢٦-٠١-٠١", "-1", "x" * 10_000]
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
    "/c/amarok/audit": {
        "q": WORDS,
        "actor": WORDS,
        "action": WORDS,
        "type": WORDS,
        "from": DAYS,
        "to": DAYS,
        "sort": ["password_hash"],
    },
    "/c/amarok/structure": {"q": WORDS, "state": WORDS, "page": NUMBER_LIKE},
    "/c/amarok/sync-status/runs/1": {"kind": WORDS, "q": WORDS},
    "/c/amarok/sync-status/runs/1/compare": {"with": NUMBER_LIKE},
    "/c/amarok/sync-status/runs/1/undo": {"show": WORDS, "page": NUMBER_LIKE},
    "/c/amarok/integrations/platforms/intercom/user-sync/preview": {"of": NUMBER_LIKE},
    "/c/amarok/integrations/platforms/intercom/exclusions": {"q": WORDS},
    "/c/amarok/integrations/platforms/intercom/why": {"q": WORDS},
    "/c/amarok/conflicts": {"q": WORDS, "show": WORDS, "platform": WORDS, "reason": WORDS},
    "/c/amarok/users/merges": {"show": WORDS, "page": NUMBER_LIKE},
    "/c/amarok/users/leavers": {"q": WORDS, "platform": WORDS, "role": NUMBER_LIKE, **SELECTION},
    "/c/amarok/outbox": {"state": WORDS, "page": NUMBER_LIKE},
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


@pytest.mark.parametrize("there", ["sqlite"], indirect=True)  # refused before a view is reached
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
    "ana\r\n2026-11-24T00:00:00.000Z WARNING webapp.accounts.sign_in [-] sign-in failed for nobody",
    "ana\x1b[2J\x1b[31m@example.com",
    "ana\u2028@example.com",
    "ana\x85@example.com",
    "ana\u202e@example.com",
    "<script>alert(1)</script>",
    "{{1234*4321}}",
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
    assert "5332114" not in answer.text
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
