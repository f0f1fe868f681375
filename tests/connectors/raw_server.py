"""A server that sends exactly the bytes a test asks for, as real as the socket it sits on."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Play = Callable[[socket.socket], None]


@dataclass
class RawServer:
    """Plays ``answers`` one after the other, the last one for ever; ``requests`` is what was asked."""

    port: int
    answers: list[Play]
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def asked(self) -> list[str]:
        """Method and path of each request."""
        return [" ".join(request.decode().split(" ")[:2]) for request in self.requests]

    def header(self, name: str, number: int = 0) -> str | None:
        """A header of a request; ``None`` when it was not sent."""
        for line in self.requests[number].decode().split("\r\n")[1:]:
            found, _, value = line.partition(": ")
            if found.lower() == name.lower():
                return value
        return None


@contextmanager
def raw_server(*answers: Play) -> Iterator[RawServer]:
    """Listen on a free port of this machine and play ``answers``, one for each connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = RawServer(listener.getsockname()[1], list(answers))
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket, play: Play) -> None:
        with connection:
            request = b""
            while b"\r\n\r\n" not in request:
                piece = connection.recv(65536)
                if not piece:
                    return
                request += piece
            server.requests.append(request)
            try:
                play(connection)
            except OSError:
                return  # the client has hung up

    def listen() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            play = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
            threads.append(threading.Thread(target=serve, args=(connection, play)))
            threads[-1].start()

    listening = threading.Thread(target=listen)
    listening.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        listening.join()
        for thread in threads:
            thread.join()


def answer(
    status: int = 200,
    body: object = b"{}",
    *,
    content_type: str | None = "application/json",
    announced: int | None = None,
    **headers: str,
) -> Play:
    """A whole answer; ``body`` that is not bytes is sent as JSON. ``announced`` is the length it claims."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Whatever", "Connection: close"]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    lines.append(f"Content-Length: {len(content) if announced is None else announced}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return lambda connection: connection.sendall("\r\n".join([*lines, "", ""]).encode() + content)


def raw(data: bytes) -> Play:
    """Exactly ``data``, then the end of the connection."""
    return lambda connection: connection.sendall(data)


def silence(connection: socket.socket) -> None:
    """No answer at all until the client hangs up."""
    connection.settimeout(30)
    connection.recv(1)


def dripping(head: bytes, drop: bytes, pause: float) -> Play:
    """``head``, then ``drop`` again and again every ``pause`` seconds until the client hangs up."""

    def play(connection: socket.socket) -> None:
        connection.sendall(head)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            connection.sendall(drop)
            time.sleep(pause)

    return play
