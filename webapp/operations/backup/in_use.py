"""Who uses a SQLite database: processes that serve share a lock beside it, a restore wants it alone.

A lock (flock) lasts as long as the file is open in any process, also in one that was forked, and ends with them however
they end.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


class InUse(Exception):
    """Somebody else uses the database; the text says who and what to do."""


def serve_from(path: Path) -> IO[str]:
    """Say that this process, and those it forks, use the database while the returned file is open.

    Raises :class:`InUse` while it is being restored.
    """
    lock = _lock_file(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise InUse("The database is being restored just now. Start again once that is done.") from None
    return lock


@contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """Nobody begins to serve from the database inside the block. Raises :class:`InUse` when somebody does already."""
    with _lock_file(path) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(
                f"The database {path} is in use. Stop the web, the workers and the scheduler first "
                "(systemctl stop rollcall.target, or Ctrl-C of make run)."
            ) from None
        yield


def _lock_file(path: Path) -> IO[str]:
    return path.with_name(f"{path.name}.lock").open("a")
