"""A mail server for tests: it keeps what it is given, or behaves as badly as it is told."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from config import MailServer


@dataclass
class Mailbox:
    """A running mail server. ``answers`` maps a command's first word to the line it gets instead."""

    port: int = 0
    answers: dict[str, str] = field(default_factory=dict)
    received: list[tuple[list[str], bytes]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    certificate: tuple[Path, Path] | None = None
    hang_up_after: int | None = None

    @property
    def mails(self) -> list[EmailMessage]:
        """Everything that was handed over, in order."""
        return [message_from_bytes(raw, policy=policy.default) for _, raw in self.received]  # type: ignore[misc]

    @property
    def settings(self) -> MailServer:
        return MailServer("127.0.0.1", self.port, "rollcall@example.com", security="none")


class _Conversation(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        box = self.server.box
        recipients: list[str] = []
        self._say("220 mail.example.com ESMTP")
        while line := self.rfile.readline().decode().rstrip("\r\n"):
            box.lines.append(line)
            word = line.split(" ")[0].upper()
            if word in box.answers:
                self._say(box.answers[word])
            elif word == "EHLO":
                self._say("250-mail.example.com")
                if box.certificate is not None:
                    self._say("250-STARTTLS")
                self._say("250 AUTH PLAIN")
            elif word == "STARTTLS" and box.certificate is not None:
                self._say("220 go ahead")
                self._encrypt(*box.certificate)
            elif word == "RCPT":
                recipients.append(line.partition(":")[2].strip().split(" ")[0].strip("<>"))
                self._say("250 fine")
            elif word == "RSET":
                recipients = []
                self._say("250 fine")
            elif word == "DATA":
                self._say("354 go ahead")
                box.received.append((recipients, self._body()))
                recipients = []
                if box.hang_up_after is not None and len(box.received) >= box.hang_up_after:
                    return
                self._say("250 kept")
            elif word == "QUIT":
                self._say("221 bye")
                return
            elif word == "AUTH":
                self._say("235 welcome")
            else:
                self._say("250 fine")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def _body(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)

    def _encrypt(self, certificate: Path, key: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.request = self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    box: Mailbox

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves in the middle is part of the tests."""


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """Start a mail server on a free port of this machine."""
    with _Server(("127.0.0.1", 0), _Conversation) as server:
        server.box = Mailbox(port=server.server_address[1])
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield server.box
        finally:
            server.shutdown()
