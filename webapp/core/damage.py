"""A SQLite database whose file is damaged: found before anything begins upon it, and told in one sentence.

Writing to a damaged file damages more of it, and no other try mends it; a backup does (docs/backup.md).
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from webapp.core.database_file import database_path

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
LOOKS_FOR = 3.0  # seconds at a start; a database that is larger is looked at as far as that goes
STEPS = 10_000  # of SQLite's machine between two looks at the clock


class Damaged(Exception):
    """The file of the database is damaged. The text says what to do."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(
            f"The database {path} is damaged ({reason}). Stop everything that uses it, then go back to the newest "
            "backup: flask restore FILE (docs/backup.md). The damaged file is kept beside it."
        )


def damage_of(error: BaseException, url: str) -> Damaged | None:
    """What ``error`` says of the database at ``url``, if it is that its file is damaged."""
    reason = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    if not isinstance(reason, sqlite3.Error):
        return None
    code = getattr(reason, "sqlite_errorcode", None)  # errors of the module itself have none
    if code is None or code & 0xFF not in DAMAGED:
        return None
    return Damaged(database_path(url) or "in memory", str(reason))


def refuse_damaged(url: str) -> None:
    """Raise :class:`Damaged` when the SQLite file at ``url`` shows it. Other databases look after themselves."""
    path = database_path(url)
    if path is None or not path.is_file():
        return
    until = time.monotonic() + LOOKS_FOR
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=LOOKS_FOR)) as database:
            database.set_progress_handler(lambda: time.monotonic() > until, STEPS)
            found = [row[0] for row in database.execute("PRAGMA quick_check(1)")]
    except sqlite3.Error as error:
        damaged = damage_of(error, url)
        if damaged is None:  # the time is over, or it is locked or cannot be opened, which others say
            return
        raise damaged from error
    if found != ["ok"]:
        raise Damaged(path, str(found[0]).splitlines()[-1])  # a first line only names the database
