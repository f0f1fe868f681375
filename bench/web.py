"""The product's web as gunicorn serves it, and a signed-in visitor on one connection that stays open."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from bench.counted_web import PROCESSOR, STATEMENTS
from bench.programs import ROOT, BenchError, free_port, running
from bench.servers import healthy
from webapp.auth.demo_accounts import DEMO_ACCOUNTS, DEMO_PASSWORD

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


class Visitor:
    """The administrator of the demo contract, signed in through the form."""

    def __init__(self, url: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT)
        self._cookie = ""
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
        headers = {"Cookie": self._cookie}
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
        cookie = answer.headers["Set-Cookie"]
        if cookie:
            self._cookie = cookie.partition(";")[0]
