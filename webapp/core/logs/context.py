"""The IDs that every record of a request or a job carries: ``request``, ``contract``, ``account``, ``job``, ``run``."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars, unbind_contextvars


def bind(**ids: int | str | None) -> None:
    """Let every further record of this request or job carry ``ids``; ``None`` takes one away again."""
    unbind_contextvars(*ids)
    bind_contextvars(**{name: value for name, value in ids.items() if value is not None})


@contextmanager
def scope() -> Iterator[None]:
    """What is bound inside is forgotten at the end. Also a decorator."""
    before = get_contextvars()
    try:
        yield
    finally:
        clear_contextvars()
        bind_contextvars(**before)


def new_reference() -> str:
    """A short reference for people to quote, such as ``7F3A-91BC``."""
    text = uuid.uuid4().hex[:8].upper()
    return f"{text[:4]}-{text[4:]}"
