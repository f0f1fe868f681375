"""``bench.counted_web:serving()``: the product as gunicorn serves it, telling in headers of each answer how many SQL
statements and how many microseconds of processor time the answer took. Only the bench loads this module.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask
from sqlalchemy import event

import wsgi
from webapp.models import db

STATEMENTS = "X-Bench-Statements"
PROCESSOR = "X-Bench-Processor"


class Counter:
    """Counts the statements of the request that a thread is at. Around the whole product, sign-in included.

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


def serving() -> Flask:
    """The application, counting."""
    app = wsgi.serving()
    counter = Counter(app.wsgi_app)
    app.wsgi_app = counter  # type: ignore[method-assign]
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", counter.one)
    return app
