"""The files for nginx and Caddy: their own programs check them, and the product is served through each."""

from __future__ import annotations

import json
import re
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from config import Settings
from tests.connectors.raw_server import answer, raw_server
from tests.deploy.front import CADDY, FRONTS, NGINX, PATH, Front, nginx_files
from tests.receiving.slow import OPENED, SLOW
from tests.servers.local import HTTP
from tests.servers.ports import port_run
from tests.servers.web import request
from webapp.web.server.worker import BODY_MAX


def said_by(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], env={"PATH": PATH}, capture_output=True, text=True, check=False
    )


def test_nginx_finds_nothing_wrong(tmp_path: Path) -> None:
    ended = said_by("nginx", "-t", "-q", "-c", nginx_files(tmp_path, 8443, 8000))
    assert (ended.returncode, ended.stderr) == (0, "")


def test_caddy_finds_nothing_wrong(tmp_path: Path) -> None:
    ended = said_by(
        "env", f"HOME={tmp_path}", "caddy", "validate", "--config", CADDY, "--adapter", "caddyfile"
    )
    assert ended.returncode == 0, ended.stderr
    assert '"warn"' not in ended.stderr
    assert said_by("caddy", "fmt", CADDY).stdout == CADDY.read_text()


def test_the_largest_body_is_the_products_own() -> None:
    largest = Settings.__dataclass_fields__["max_body"].default
    assert largest == BODY_MAX == 1024 * 1024
    assert re.findall(r"client_max_body_size (\w+);", NGINX.read_text()) == ["1m"]
    assert re.findall(r"max_size (\w+)", CADDY.read_text()) == ["1MiB"]


@pytest.mark.parametrize("kind", ["silent", "heads", "bodies", "chunked bodies"])
def test_A5_sixteen_slow_clients_do_not_stop_the_web_behind_a_proxy(front: Front, kind: str) -> None:
    with ExitStack() as slow:
        clients = [slow.enter_context(front.connect(SLOW[kind])) for _ in range(16)]
        page = request("GET /sign-in", "Connection: close")
        assert OPENED in front.ask(page)
        for client in clients:
            if kind != "silent":
                client.sendall(b"x")
        assert OPENED in front.ask(page)


def test_the_health_address_is_there(front: Front) -> None:
    said = front.ask(request("GET /healthz", "Connection: close"))
    assert said.startswith(b"HTTP/1.1 200 ")
    assert json.loads(said.partition(b"\r\n\r\n")[2])["queue"] == "ok"


def test_http_leads_to_https(front: Front) -> None:
    answered = HTTP.get(f"http://127.0.0.1:{front.port + 1}/sign-in?next=/x")
    assert answered.status_code == 308
    assert answered.headers["Location"].startswith("https://127.0.0.1")
    assert answered.headers["Location"].endswith("/sign-in?next=/x")


def test_what_is_too_large_is_refused(front: Front) -> None:
    body = b"x" * (BODY_MAX + 1)
    fields = ("Content-Type: text/plain", f"Content-Length: {len(body)}", "Connection: close")
    with front.connect(request("POST /sign-in", *fields)) as client:
        assert client.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_what_just_fits_arrives(front: Front) -> None:
    body = b"x" * BODY_MAX
    fields = ("Content-Type: text/plain", f"Content-Length: {len(body)}", "Connection: close")
    assert front.ask(request("POST /sign-in", *fields, body=body)).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("kind", FRONTS)
def test_A3_what_a_stranger_says_about_where_they_come_from_is_thrown_away(kind: str, tmp_path: Path) -> None:
    with (
        raw_server(answer()) as upstream,
        port_run() as port,
        FRONTS[kind](tmp_path, port, upstream.port) as front,
    ):
        forged = ("X-Forwarded-For: 10.9.9.9, 10.8.8.8", "X-Forwarded-Proto: http", "Host: 127.0.0.1")
        front.ask(request("GET /", *forged[:2], "Connection: close"))
        assert upstream.header("X-Forwarded-For") == "127.0.0.1"
        assert upstream.header("X-Forwarded-Proto") == "https"
        assert upstream.header("Host") == "127.0.0.1"


def test_codes_and_searches_stay_out_of_the_log_of_nginx(tmp_path: Path) -> None:
    with (
        raw_server(answer()) as upstream,
        port_run() as port,
        FRONTS["nginx"](tmp_path, port, upstream.port) as front,
    ):
        front.ask(request("GET /callback?code=secret-code", "Connection: close"))
    logged = (tmp_path / "rollcall.log").read_text()
    assert '"GET /callback" 200' in logged
    assert "secret" not in logged
