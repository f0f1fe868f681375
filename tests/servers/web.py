"""The web as gunicorn serves it with the product's own settings, and raw sockets to it."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.ports import answers
from tests.servers.processes import Program, running
from tests.servers.stack import stack_environ


@dataclass
class Web:
    """A running web on ``port`` of 127.0.0.1."""

    port: int
    program: Program

    def connect(self, sent: bytes = b"") -> socket.socket:
        """A connection on which ``sent`` was sent."""
        client = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        client.sendall(sent)
        return client

    def ask(self, sent: bytes) -> bytes:
        """The answer to ``sent``, up to where the server closes the connection."""
        with self.connect(sent) as client:
            return everything(client)

    def page(self) -> bytes:
        """The page to sign in, asked for on a connection of its own."""
        return self.ask(request("GET /sign-in", "Connection: close"))


@contextmanager
def running_web(
    folder: Path, port: int, *, database_url: str, redis_url: str, **environ: str
) -> Iterator[Web]:
    """Start gunicorn as a deployment does; ``environ`` are further settings."""
    settings = {"ROLLCALL_MODE": "demo", "DATABASE_URL": database_url, "REDIS_URL": redis_url}
    settings |= {"BIND": f"127.0.0.1:{port}", **environ}
    command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "wsgi:serving()"]
    with running(
        command,
        folder / "web.log",
        lambda: answers(port),
        environ=stack_environ(port, folder / "var", settings),
    ) as program:
        yield Web(port, program)


def request(line: str, *fields: str, body: bytes = b"") -> bytes:
    """A request as bytes; ``line`` is the method and the address."""
    return "\r\n".join([f"{line} HTTP/1.1", "Host: 127.0.0.1", *fields, "", ""]).encode() + body


def everything(client: socket.socket) -> bytes:
    """All that comes until the other side closes the connection."""
    parts = []
    while part := client.recv(65536):
        parts.append(part)
    return b"".join(parts)
