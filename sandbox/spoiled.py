"""Answers spoiled by a fault, down to the socket where it must be."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

from flask import Response, request

from sandbox.faults import Fault
from sandbox.grants import Grants

HANG = 3600.0  # seconds; the client gives up long before, or the program ends
PAGE = b"<!doctype html><html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
WRONG = b'{"type": "something.else", "items": 7, "admins": "none", "users": 12}'


def spoil(
    fault: Fault, stopping: threading.Event, grants: Grants, error: Callable[[Fault], Response]
) -> Response | None:
    """The answer instead of the true one; ``None`` where the true one still comes (slow, truncate, revoke).

    ``error`` words a status the way the platform does.
    """
    match fault.kind:
        case "status":
            return error(fault)
        case "html":
            retry = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
            return Response(PAGE, fault.status or 200, retry, content_type="text/html; charset=utf-8")
        case "empty":
            return Response(b"", fault.status or 200, content_type="application/json")
        case "wrong-json":
            return Response(WRONG, fault.status or 200, content_type="application/json")
        case "redirect":
            headers = {"Location": fault.location or f"{request.host_url}elsewhere"}
            return Response(b"", fault.status or 302, headers)
        case "slow":
            stopping.wait(fault.seconds or 0)
            return None
        case "revoke":
            grants.revoke_all()
            return None
        case "hang":
            stopping.wait(HANG)
            return _dropped()
        case "drop-connection":
            return _dropped()
        case _:
            return None


def truncated(answer: Response) -> Response:
    """The first half of ``answer``, then the connection ends."""
    length = answer.calculate_content_length()
    connection = _connection()  # the request's context is gone when the body is made
    stop = length // 2 if length is not None else 4096

    def half(chunks: Iterator[bytes]) -> Iterator[bytes]:
        sent = 0
        for chunk in chunks:
            part = chunk[: stop - sent]
            sent += len(part)
            if part:
                yield part
            if sent >= stop:
                break
        _close(connection)

    cut = Response(half(answer.iter_encoded()), answer.status_code, dict(answer.headers))
    cut.call_on_close(answer.close)
    if length is not None:
        cut.headers["Content-Length"] = str(length)
    return cut


def _dropped() -> Response:
    _close(_connection())
    return Response(b"")


def _connection() -> socket.socket:
    connection: socket.socket = request.environ["werkzeug.socket"]
    return connection


def _close(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the client left first
