"""Turns at writing to a SQLite file: whoever writes much lets those in who wait.

SQLite hands its lock to whoever asks at the right moment, so a run that commits and begins again at once keeps
everybody else out for seconds. A writer therefore announces that it waits, by a shared lock on a file beside the
database, and a run looks between two batches whether somebody does. Neither ever waits for that lock itself: a
process that is frozen while it holds it stops nobody.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

WAITS_AT_MOST = 0.5  # seconds a run stands back between two batches
LOOKS_EVERY = 0.003  # seconds
SUFFIX = "-turn"


@contextmanager
def announced(database: str | None) -> Iterator[None]:
    """Let others know that somebody waits to write to the file ``database`` (none: one in memory)."""
    file = _opened(database)
    if file is None:
        yield
        return
    try:
        _locked(file, fcntl.LOCK_SH)
        yield
    finally:
        os.close(file)


def let_others_in(engine: sa.Engine) -> None:
    """Stand back while somebody waits to write, half a second at most. On a database server nothing is to be done."""
    if engine.dialect.name != "sqlite":
        return
    file = _opened(engine.url.database)
    if file is None:
        return
    until = time.monotonic() + WAITS_AT_MOST
    try:
        while not _locked(file, fcntl.LOCK_EX) and time.monotonic() < until:
            time.sleep(LOOKS_EVERY)
    finally:
        os.close(file)


def _opened(database: str | None) -> int | None:
    """The file beside the database; ``None`` without one, or where none can be made: order is not worth an error."""
    if not database or database == ":memory:":
        return None
    try:
        return os.open(database + SUFFIX, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None


def _locked(file: int, how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
