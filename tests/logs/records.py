"""What the log would say of a record, in both forms."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from webapp.core.logs import init_logging
from webapp.core.logs.rendering import formatter


def line(
    message: str,
    *values: object,
    error: BaseException | None = None,
    form: Literal["json", "text"] = "text",
    level: int = logging.WARNING,
    **extra: Any,
) -> str:
    """The whole line of a record of ours."""
    record = logging.LogRecord("webapp.accounts.sign_in", level, "x.py", 1, message, values, None)
    record.__dict__ |= extra
    if error is not None:
        record.exc_info = (type(error), error, error.__traceback__)
    return formatter(form).format(record)


def fields(message: str, *values: object, **options: Any) -> dict[str, Any]:
    """The object of the same record."""
    found: dict[str, Any] = json.loads(line(message, *values, form="json", **options))
    return found


def raised(error: BaseException) -> BaseException:
    """``error`` with a traceback of its own."""
    try:
        raise error
    except type(error) as caught:
        return caught


@contextmanager
def logging_to_stderr(**environ: str) -> Iterator[None]:
    """As a program has it that has just begun."""
    names = (None, "webapp", "gunicorn.error", "gunicorn.access", "py.warnings")
    loggers = [logging.getLogger(name) for name in names]
    kept = [(one.handlers[:], one.level, one.propagate) for one in loggers]
    hooks = sys.excepthook, threading.excepthook
    try:
        init_logging(environ=environ)
        yield
    finally:
        logging.captureWarnings(False)
        sys.excepthook, threading.excepthook = hooks
        for one, (handlers, level, propagate) in zip(loggers, kept, strict=True):
            one.handlers[:], one.propagate = handlers, propagate
            one.setLevel(level)
