"""The IDs that every record of a request or a job carries: ``request``, ``contract``, ``account``, ``job``, ``run``."""

from __future__ import annotations

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
