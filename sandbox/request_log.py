"""What the sandbox was asked: never a token, a code or a secret."""

from __future__ import annotations

import threading
from collections import deque
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode

import msgspec
from flask import Request

KEPT = 10_000  # requests
SECRET_PARAMETERS = frozenset(
    {"access_token", "client_secret", "code", "code_verifier", "password", "refresh_token", "state", "token"}
)


class Asked(msgspec.Struct, frozen=True):
    """One request. ``query`` has the values of secret parameters masked; ``headers`` are names, lower case."""

    at: str
    method: str
    path: str
    query: str
    headers: list[str]
    version: str | None


class RequestLog:
    """The newest requests, oldest first. ``version_header`` is kept with its value."""

    def __init__(self, version_header: str | None = None, kept: int = KEPT) -> None:
        self.version_header = version_header
        self._asked: deque[Asked] = deque(maxlen=kept)
        self._lock = threading.Lock()

    def add(self, request: Request) -> None:
        version = request.headers.get(self.version_header) if self.version_header else None
        asked = Asked(
            at=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            method=request.method,
            path=request.path,
            query=masked(request.query_string.decode("utf-8", "replace")),
            headers=sorted({name.lower() for name, _ in request.headers}),
            version=version,
        )
        with self._lock:
            self._asked.append(asked)

    def all(self) -> list[Asked]:
        with self._lock:
            return list(self._asked)

    def clear(self) -> None:
        with self._lock:
            self._asked.clear()


def masked(query: str) -> str:
    """The query with ``***`` for every value that could open something."""
    pairs = parse_qsl(query, keep_blank_values=True)
    if not any(name.lower() in SECRET_PARAMETERS for name, _ in pairs):
        return query
    return urlencode(
        [(name, "***" if name.lower() in SECRET_PARAMETERS else value) for name, value in pairs], safe="*"
    )
