"""A receiver of webhooks for tests: it keeps what it is sent and answers what it is told."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Receiver:
    """A running receiver. ``answers`` are the next statuses, the last of them for ever."""

    port: int = 0
    answers: list[int] = field(default_factory=lambda: [200])
    location: str = ""
    silent: bool = False
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?of=rollcall"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver.received.append((self.path, headers, body))
        if receiver.silent:
            return
        status = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
        self.send_response(status)
        if receiver.location:
            self.send_header("Location", receiver.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the terminal."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    receiver: Receiver


@contextmanager
def receiver_server() -> Iterator[Receiver]:
    """Start a receiver on a free port of this machine."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.receiver = Receiver(port=server.server_address[1])
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield server.receiver
        finally:
            server.shutdown()
