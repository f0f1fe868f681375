"""Clients that are slow on purpose, on raw sockets, against gunicorn as it is deployed (2 processes of 4 threads).

Deadlines are fifteen minutes where a test is about threads: what answers meanwhile does so because no thread waits.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.receiving.slow import FORM, OPENED, SLOW
from tests.servers.ports import answers, port_run
from tests.servers.processes import running
from tests.servers.web import Web, everything, request, running_web


@pytest.mark.parametrize("kind", SLOW)
def test_A5_B7_sixteen_slow_clients_do_not_stop_the_web(web: Web, kind: str) -> None:
    with ExitStack() as slow:
        clients = [slow.enter_context(web.connect(SLOW[kind])) for _ in range(16)]
        assert OPENED in web.page()
        for client in clients:
            if kind in ("heads", "bodies", "chunked bodies"):
                client.sendall(b"x")
        assert OPENED in web.page()


def test_A5_an_answer_that_nobody_closes_does_not_stop_the_loop(web: Web) -> None:
    """gunicorn's own worker stands still for two seconds for each of them."""
    with ExitStack() as slow:
        for _ in range(80):
            slow.enter_context(web.connect(SLOW["answers that nobody closes"]))
        with web.connect(request("GET /sign-in", "Connection: close")) as client:
            client.settimeout(20)
            assert OPENED in everything(client)


def test_A5_a_head_and_a_body_have_a_deadline(tmp_path: Path, sqlite_url: str, redis_url: str) -> None:
    short = {"WEB_HEAD_SECONDS": "1", "WEB_BODY_SECONDS": "1", "WEB_WORKERS": "1"}
    with (
        port_run() as port,
        running_web(tmp_path, port, database_url=sqlite_url, redis_url=redis_url, **short) as web,
    ):
        assert web.ask(SLOW["silent"]) == b""
        for kind in ("heads", "bodies", "chunked bodies"):
            assert web.ask(SLOW[kind]).startswith(b"HTTP/1.1 408 ")
        assert OPENED in web.page()


@pytest.mark.parametrize(
    "field", ["Content-Length: 2000000", "Content-Length: 1" + "0" * 26], ids=["too long", "far too long"]
)
def test_what_follows_a_body_that_was_refused_is_no_request(web: Web, field: str) -> None:
    behind = request("GET /healthz/live") + b"x" * 200
    answer = web.ask(request("POST /sign-in", FORM, field, body=behind))
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in answer.lower()


def test_A5_slow_clients_do_not_keep_the_web_from_stopping(
    tmp_path: Path, sqlite_url: str, redis_url: str
) -> None:
    patient = {"WEB_HEAD_SECONDS": "900", "WEB_BODY_SECONDS": "900", "WEB_GRACE": "600", "WEB_WORKERS": "1"}
    with (
        port_run() as port,
        running_web(tmp_path, port, database_url=sqlite_url, redis_url=redis_url, **patient) as web,
        ExitStack() as slow,
    ):
        assert OPENED in web.page()  # it handles signals by now
        for sent in list(SLOW.values())[:4]:
            slow.enter_context(web.connect(sent))
        assert web.program.stop(signal.SIGTERM, patience=60) == 0


LARGE = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/large":
        return (b"x" * 65536 for _ in range(1000))
    return [b"small"]
"""


def test_A5_who_takes_nothing_of_an_answer_gives_the_thread_back(tmp_path: Path) -> None:
    (tmp_path / "large.py").write_text(LARGE)
    with port_run() as port:
        command = [sys.executable, "-m", "gunicorn", "--config", "/dev/null", "--bind", f"127.0.0.1:{port}"]
        command += ["--threads", "2", "--worker-class", "webapp.web.server.worker.Worker"]
        command += ["--pythonpath", str(tmp_path), "large:app"]
        environ = os.environ | {"WEB_SEND_SECONDS": "1"}
        with (
            running(command, tmp_path / "log", lambda: answers(port), environ=environ) as program,
            ExitStack() as slow,
        ):
            web = Web(port, program)
            for _ in range(4):
                slow.enter_context(web.connect(request("GET /large")))
            assert b"small" in web.ask(request("GET /small", "Connection: close"))


# ------------------------------------------------------------------ and everybody else is served as before
def test_two_requests_at_once_on_one_connection_are_answered_in_their_order(web: Web) -> None:
    said = web.ask(request("GET /healthz") + request("GET /sign-in", "Connection: close"))
    assert said.index(b'"queue"') < said.index(OPENED)


def test_a_connection_serves_one_request_after_the_other(web: Web) -> None:
    with web.connect() as client:
        for _ in range(3):
            client.sendall(request("HEAD /sign-in"))
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_in_pieces_arrives_whole(web: Web, chunked: bool) -> None:
    body = b"email=" + b"x" * 70_000
    how = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    if chunked:
        body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:5], body[5:])) + b"0\r\n\r\n"
    with web.connect(request("POST /sign-in", FORM, how, "Connection: close")) as client:
        for begin in range(0, len(body), 7_001):
            client.sendall(body[begin : begin + 7_001])
        assert everything(client).startswith(b"HTTP/1.1 400 ")  # read, and without a token refused


def test_who_asks_first_is_told_to_go_on(web: Web) -> None:
    fields = (FORM, "Content-Length: 7", "Expect: 100-continue", "Connection: close")
    with web.connect(request("POST /sign-in", *fields)) as client:
        assert client.recv(65536).startswith(b"HTTP/1.1 100 ")
        client.sendall(b"email=x")
        assert b"HTTP/1.1 400 " in everything(client)


@pytest.mark.parametrize("how", ["Content-Length: 1100000", "Transfer-Encoding: chunked"])
def test_a_body_that_is_too_large_is_refused_on_the_products_page(web: Web, how: str) -> None:
    body = b"x" * 1_100_000
    if how.startswith("Transfer"):
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    said = web.ask(request("POST /sign-in", FORM, how, "Connection: close", body=body))
    assert said.startswith(b"HTTP/1.1 413 ")
    assert b"Content-Security-Policy" in said


def test_what_is_no_request_is_refused(web: Web) -> None:
    assert web.ask(b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert web.ask(request("GET /sign-in", *(f"X-{n}: {'y' * 8000}" for n in range(70)))).startswith(
        b"HTTP/1.1 4"
    )
