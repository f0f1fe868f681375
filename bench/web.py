"""The product's web and its peer as gunicorn serves them, and visitors on one connection that stays open."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from bench.counting import PROCESSOR, STATEMENTS
from bench.programs import ROOT, BenchError, free_port, running
from bench.servers import healthy
from webapp.accounts.sign_in.demo_accounts import DEMO_ACCOUNTS, DEMO_PASSWORD

TIMEOUT = 60  # seconds


@dataclass(frozen=True)
class Answer:
    """One page: seconds from sending the request to the last byte, seconds of processor time of the thread that
    answered (SQLite's work is in it, that of Postgres is not), SQL statements, bytes of the body.
    """

    seconds: float
    cpu: float
    statements: int
    bytes: int
    text: str


@contextmanager
def web(environ: Mapping[str, str], folder: Path) -> Iterator[str]:
    """gunicorn with the product's own settings, counting statements; its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    gunicorn = ROOT / ".venv" / "bin" / "gunicorn"
    with running(
        [gunicorn, "--config", "gunicorn.conf.py", "bench.counted_web:serving()"],
        folder / "web.log",
        healthy(url),
        environ={**environ, "PORT": str(port), "PUBLIC_URL": url},
    ):
        yield url


@contextmanager
def peer_web(environ: Mapping[str, str], folder: Path) -> Iterator[str]:
    """gunicorn with the peer upon the same database, with as many processes and threads; its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command: list[str | Path] = [
        *(ROOT / ".venv" / "bin" / "gunicorn", "--config", "/dev/null", "--bind", f"127.0.0.1:{port}"),
        *("--worker-class", "gthread", "--workers", "2", "--threads", "4", "bench.peer_web:serving()"),
    ]
    with running(command, folder / "peer.log", healthy(url), environ=environ):
        yield url


class Visitor:
    """Somebody with one connection that stays open, who keeps the cookies that they are given."""

    def __init__(self, url: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT)
        self._cookies: dict[str, str] = {}

    def sign_in(self) -> None:
        """Become the administrator of the demo contract, through the form."""
        page = self.open("/sign-in", 200)
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
        if token is None:
            raise BenchError("The sign-in page has no token against forgery.")
        fields = {
            "csrf_token": token[1],
            "email": DEMO_ACCOUNTS[0].email,
            "password": DEMO_PASSWORD,
        }
        self.open("/sign-in", 303, urlencode(fields))

    def open(self, path: str, status: int = 200, form: str | None = None) -> Answer:
        """Ask for ``path``, or send it ``form``. Raises :class:`BenchError` for another status."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        began = time.perf_counter()
        self._connection.request("GET" if form is None else "POST", path, form, headers)
        answer = self._connection.getresponse()
        body = answer.read()
        seconds = time.perf_counter() - began
        if answer.status != status:
            raise BenchError(f"{path} answered HTTP {answer.status}: {body[-2000:].decode(errors='replace')}")
        self._remember(answer)
        return Answer(
            seconds,
            int(answer.headers[PROCESSOR]) / 1_000_000,
            int(answer.headers[STATEMENTS]),
            len(body),
            body.decode(),
        )

    def close(self) -> None:
        self._connection.close()

    def _remember(self, answer: HTTPResponse) -> None:
        for given in answer.headers.get_all("Set-Cookie", []):
            name, _, value = given.partition(";")[0].partition("=")
            self._cookies[name] = value
