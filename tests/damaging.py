"""Damages the file of a SQLite database, as a disk or a careless copy does."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

GARBAGE = b"\xa5"


def _settled(path: Path) -> sqlite3.Connection:
    """A connection to the database, all of which is in its file."""
    database = sqlite3.connect(path)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return database


def damage_tables(path: Path, *names: str) -> None:
    """Write over the first page of each table; the rest of the database can be read."""
    with closing(_settled(path)) as database:
        (size,) = database.execute("PRAGMA page_size").fetchone()
        pages = dict(database.execute("SELECT name, rootpage FROM sqlite_master WHERE type = 'table'"))
    for name in names:
        _write(path, (pages[name] - 1) * size, size)


def damage_pages(path: Path) -> None:
    """Write over everything but the first page, which says what tables there are."""
    with closing(_settled(path)) as database:
        (size,) = database.execute("PRAGMA page_size").fetchone()
    _write(path, size, path.stat().st_size - size)


def damage_head(path: Path) -> None:
    """Write over the beginning, so that it is no database any more."""
    _settled(path).close()
    _write(path, 0, 4096)


def _write(path: Path, place: int, length: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(GARBAGE * length)


WAYS = {
    "some tables": lambda path: damage_tables(path, "contracts", "accounts"),
    "most pages": damage_pages,
    "the head": damage_head,
}
