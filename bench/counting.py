"""Counting what an application's answers cost, told in headers of each answer. Only the bench loads this module."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

STATEMENTS = "X-Bench-Statements"
PROCESSOR = "X-Bench-Processor"


class Counter:
    """Counts the statements of the request that a thread is at. Around a whole application, sign-in included.

    What SQLite is told around a transaction (BEGIN and a PRAGMA) counts as well; COMMIT and ROLLBACK never do.
    """

    def __init__(self, answer: Callable[..., Iterable[bytes]]) -> None:
        self._answer = answer
        self._local = threading.local()

    def one(self, *_: object) -> None:
        self._local.count = getattr(self._local, "count", 0) + 1

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self._local.count = 0
        began = time.thread_time_ns()

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            spent = (time.thread_time_ns() - began) // 1000
            own = [(STATEMENTS, str(self._local.count)), (PROCESSOR, str(spent))]
            return start_response(status, [*headers, *own], *more)

        return self._answer(environ, start)


def counting(app: Flask, engine: sa.Engine) -> Flask:
    """``app``, telling in headers of each answer how many statements on ``engine`` and how many microseconds of
    processor time it took.
    """
    counter = Counter(app.wsgi_app)
    app.wsgi_app = counter  # type: ignore[method-assign]
    event.listen(engine, "before_cursor_execute", counter.one)
    return app
