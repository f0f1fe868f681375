"""What can be seen of processes that still serve from a database that was restored by other means.

Workers and schedulers are registered in Redis, whoever serves from a SQLite file locks it, and of a Postgres the
connections of the same role are seen. A web that nobody has asked anything yet shows nothing of itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from webapp.core.database_file import database_path
from webapp.core.models import db
from webapp.operations.backup.in_use import InUse, alone_with
from webapp.queue import wake

CLOSING = 3.0  # seconds until a connection that was closed is no longer seen
LOOKS_EVERY = 0.1  # seconds
STOP = "Stop web, workers and scheduler first (systemctl stop rollcall.target, or Ctrl-C of make run)."
_OTHERS = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user "
    "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


@contextmanager
def nobody_serves(url: str) -> Iterator[None]:
    """Raises :class:`InUse` when something is seen to serve from the database at ``url``."""
    path = database_path(url)
    if path is not None:
        with alone_with(path):
            yield
        return
    others = _connections()
    if others:
        what = "connection to the database is" if others == 1 else "connections to the database are"
        raise InUse(
            f"{others} other {what} open as the role that serves. {STOP} pg_stat_activity shows them."
        )
    yield


def refuse_registered() -> None:
    """Raises :class:`InUse` when a worker or a scheduler runs, and ``redis.RedisError`` when that cannot be told."""
    if wake.workers():
        raise InUse(f"A worker is running. {STOP}")
    if wake.has_scheduler():
        raise InUse(f"A scheduler is running. {STOP}")


def _connections() -> int:
    """How many others of our role are connected, once those that are just closing are gone."""
    until = time.monotonic() + CLOSING
    while True:
        with db.engine.connect() as connection:
            if connection.dialect.name != "postgresql":
                return 0
            found = connection.scalar(_OTHERS) or 0
        if not found or time.monotonic() > until:
            return int(found)
        time.sleep(LOOKS_EVERY)
