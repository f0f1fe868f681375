"""What gunicorn itself logs, believes and answers, through its own socket."""

from __future__ import annotations

import uuid

import pytest

from tests.servers.processes import wait_until
from tests.servers.production import Web

HOST = b"Host: 127.0.0.1\r\nConnection: close\r\n"


def get(path: str, headers: bytes = b"") -> bytes:
    return b"GET " + path.encode("latin-1") + b" HTTP/1.1\r\n" + HOST + headers + b"\r\n"


def head_of(answer: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    return int(first.split(" ")[1]), dict(line.split(": ", 1) for line in lines)


@pytest.mark.parametrize(
    ("sent", "logged"),
    [
        (
            "%0a2026-11-23T08:10:00.123Z%20WARNING%20webapp.errors%20[-]%20forged",
            "\\n2026-11-23T08:10:00.123Z ",
        ),
        ("%1b[31m%9b0m", "\\x1b[31m"),
        ("%0d%0a{%22level%22:%22ERROR%22}", '\\r\\n{"level":"ERROR"}'),
        ("%e2%80%a8%c2%85%e2%80%ae", "\\u2028\\x85\\u202e"),
    ],
)
def test_A2_a_path_writes_no_line_of_its_own(web: Web, sent: str, logged: str) -> None:
    mark = uuid.uuid4().hex
    status, headers = head_of(web.raw(get(f"/{mark}{sent}?code=do-not-log-this")))
    assert status == 404
    wait_until(lambda: mark in web.program.said())
    (record,) = [one for one in web.records() if mark in one.get("path", "")]
    assert record["path"].startswith(f"/{mark}{logged}")
    assert (record["logger"], record["level"], record["event"]) == ("gunicorn.access", "INFO", "request")
    assert (record["method"], record["status"], record["address"]) == ("GET", 404, "127.0.0.1")
    assert record["request"] == headers["X-Request-Id"]
    assert "do-not-log-this" not in web.program.said()


def test_the_log_of_production_is_one_object_a_line_from_the_first_one_on(web: Web) -> None:
    records = web.records()
    assert [one["event"] for one in records if "Listening at" in one["event"]]
    assert {"timestamp", "level", "logger", "event"} <= set.intersection(*(set(one) for one in records))


@pytest.mark.parametrize(
    "headers",
    [
        b"SCRIPT_NAME: /sign-in\r\n",
        b"SCRIPT_NAME: /elsewhere\r\n",
        b"SCRIPT_NAME: //evil.example\r\n",
        b"PATH_INFO: /nothing-here\r\n",
        b"X-Forwarded-Prefix: /evil\r\n",
        b"X-Script-Name: /evil\r\n",
        b"REMOTE_USER: ana\r\nRemote-User: ana\r\nX-Remote-User: ana\r\n",
        b"X-Forwarded-Host: evil.example\r\nForwarded: host=evil.example;proto=http\r\n",
        b"X_Forwarded_For: 1.2.3.4\r\nX-Forwarded-For: 1.2.3.4\r\n",
    ],
)
def test_A13_no_header_says_where_the_application_is_or_who_asks(web: Web, headers: bytes) -> None:
    """From this machine, which gunicorn would take for a proxy."""
    for path, status, way in (("/sign-in", 200, None), ("/account", 302, "/sign-in?next=/account")):
        answer = web.raw(get(path, headers))
        found, said = head_of(answer)
        assert (found, said.get("Location")) == (status, way)
        assert b"evil" not in answer
    wait_until(lambda: web.records()[-1].get("path") == "/account")
    assert web.records()[-1]["address"] == "127.0.0.1"


def test_A13_a_host_that_is_not_ours_is_refused_whoever_asks(web: Web) -> None:
    status, _ = head_of(web.raw(b"GET /sign-in HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"))
    assert status == 400


MALFORMED = {
    "no version": (b"GET /\r\n\r\n", 400),
    "a strange version": (b"GET /?code=do-not-log-this HTTP/x\r\n\r\n", 400),
    "a strange method": (b"G<script>T / HTTP/1.1\r\n\r\n", 400),
    "a header that is none": (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n<b>: 1\r\n\r\n", 400),
    "a long address": (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n", 414),
    "a long header": (b"GET / HTTP/1.1\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431),
    "many headers": (b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * 80 + b"\r\n", 431),
    "a strange coding": (b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: <x>\r\n\r\n", 501),
    "a length that is none": (b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: <x>\r\n\r\n", 400),
    "a strange expectation": (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: <x>\r\n\r\n", 417),
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_A17_what_gunicorn_refuses_by_itself_carries_the_policy_and_repeats_nothing(
    web: Web, kind: str
) -> None:
    request, status = MALFORMED[kind]
    _, ours = head_of(web.raw(get("/sign-in")))
    answer = web.raw(request)
    found, headers = head_of(answer)
    assert found == status
    kept = {
        name: value
        for name, value in ours.items()
        if name.startswith(
            ("Content-Security", "X-Content", "X-Frame", "Cross-", "Referrer", "Permissions", "Strict")
        )
    }
    assert len(kept) == 8
    assert kept.items() <= headers.items()
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert (headers["Cache-Control"], headers["Connection"]) == ("no-store", "close")
    assert int(headers["Content-Length"]) == len(answer.partition(b"\r\n\r\n")[2]) > 0
    assert b"<" not in answer
    assert b"do-not-log-this" not in answer
    assert "do-not-log-this" not in web.program.said()
    assert web.records()
