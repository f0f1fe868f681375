"""The answers that gunicorn gives by itself, to what is no request that the application could get.

Its own pages have no policy and repeat what was sent. These say one sentence, carry the headers of every other answer,
and end the connection.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping

from gunicorn import util

SENTENCES = {
    400: "That request could not be read.",
    403: "That request is not accepted.",
    414: "That address is too long.",
    431: "That request has too many or too long headers.",
    500: "Something went wrong on our side.",
    501: "That way of sending a request is not known here.",
}


def answer_like_the_application(headers: Mapping[str, str]) -> None:
    """Let every such answer of this process carry ``headers``. gunicorn has no setting for that."""

    def write_error(sock: socket.socket, status_int: int, reason: str, _repeated: str) -> None:
        util.write_nonblock(sock, page(status_int, reason, headers))

    util.write_error = write_error


def page(status: int, reason: str, headers: Mapping[str, str]) -> bytes:
    """The whole answer. What is wrong with the request is in the log."""
    body = SENTENCES.get(status, SENTENCES[400] if status < 500 else SENTENCES[500]) + "\n"
    lines = [f"HTTP/1.1 {status} {reason}", "Connection: close", "Content-Type: text/plain; charset=utf-8"]
    lines += [f"Content-Length: {len(body)}", "Cache-Control: no-store"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", body]).encode("latin-1")
