"""A web server as production starts it."""

from __future__ import annotations

import json
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from tests.servers.databases import SqliteTemplate
from tests.servers.ports import port_run
from tests.servers.processes import Program, running
from tests.servers.stack import stack_environ


@dataclass
class Web:
    """gunicorn with our configuration, reached without a proxy."""

    port: int
    program: Program
    database: Path

    def raw(self, request: bytes) -> bytes:
        """What it answers to the bytes, until it closes the connection."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def records(self) -> list[dict[str, Any]]:
        """All that it has said; a line that is no object fails the test."""
        return [json.loads(line) for line in self.program.said().splitlines()]


@contextmanager
def served(template: SqliteTemplate, redis_url: str, folder: Path) -> Iterator[Web]:
    """Start gunicorn in production's mode on a database of its own."""
    with template.copy() as url, port_run() as port:
        settings = {
            "ROLLCALL_MODE": "production",
            "PUBLIC_URL": "https://rollcall.example.com",
            "ALLOWED_HOSTS": "127.0.0.1",
            "TRUSTED_PROXIES": "0",
            "SECRET_KEY": secrets.token_urlsafe(48),
            "CREDENTIAL_KEYS": Fernet.generate_key().decode(),
            "DATABASE_URL": url,
            "REDIS_URL": redis_url,
        }
        command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "wsgi:serving()"]
        log = folder / "web.log"
        with running(
            command,
            log,
            lambda: log.exists() and "Booting worker" in log.read_text(),
            environ=stack_environ(port, folder / "var", settings),
        ) as program:
            yield Web(port, program, Path(url.removeprefix("sqlite:///")))
