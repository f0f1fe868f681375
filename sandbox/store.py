"""What survives a restart: one SQLite file with a row of ready JSON for each record."""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sandbox.options import StartError

FILE = "sandbox.sqlite3"
LAYOUT = 2  # raised when the tables change; an older file is not read
FETCH = 1000  # rows
JOURNAL_LIMIT = 16 * 1024 * 1024  # bytes kept of a journal that has been written back

TABLES = """
CREATE TABLE records (
    space TEXT NOT NULL, kind TEXT NOT NULL, position INTEGER NOT NULL, id TEXT NOT NULL,
    body BLOB NOT NULL, aside BLOB,
    PRIMARY KEY (space, kind, position)
) WITHOUT ROWID;
CREATE UNIQUE INDEX records_by_id ON records (space, kind, id);
CREATE TABLE filled (space TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE codes (
    digest BLOB PRIMARY KEY, client_id TEXT NOT NULL, space TEXT NOT NULL, person TEXT NOT NULL,
    redirect_uri TEXT NOT NULL, scope TEXT NOT NULL, challenge TEXT, expires_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE tokens (
    number INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL UNIQUE, client_id TEXT NOT NULL,
    space TEXT NOT NULL, person TEXT NOT NULL, scope TEXT NOT NULL, expires_at REAL,
    refresh_digest BLOB UNIQUE, refresh_expires_at REAL, revoked INTEGER NOT NULL DEFAULT 0
);
"""


class Record(NamedTuple):
    """``body`` is the JSON object as served; ``aside`` is JSON that is served only when asked for."""

    id: str
    body: bytes
    aside: bytes | None = None


class Store:
    """Records by space (a workspace, an account) and kind, in the order in which they were given.

    Connections are lent to one thread at a time; one thread writes at a time.
    """

    def __init__(self, folder: Path) -> None:
        """Open or make the file. Raises :class:`StartError` when the folder cannot be used."""
        self._path = folder / FILE
        self._idle: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._writing = threading.Lock()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._prepare()
        except OSError as error:
            raise StartError(f"the folder {folder} cannot be written ({error.strerror})") from error
        except sqlite3.Error as error:
            raise StartError(f"{self._path} cannot be used ({error})") from error

    def _prepare(self) -> None:
        with self.writing() as connection:
            layout = connection.execute("PRAGMA user_version").fetchone()[0]
            if layout == LAYOUT:
                return
            if layout:
                raise StartError(f"{self._path} was made by another version of the sandbox; delete it")
            for statement in TABLES.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {LAYOUT}")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_LIMIT}")
        return connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for reading."""
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            connection = self._connect()
        try:
            yield connection
        finally:
            self._idle.put(connection)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction: kept when the block ends well, undone otherwise."""
        with self._writing, self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connections that nobody uses at the moment."""
        while not self._idle.empty():
            self._idle.get_nowait().close()

    # ------------------------------------------------------------------ records
    def records(self, space: str, kind: str) -> Iterator[Record]:
        """All records as they are when the first is taken, however long reading takes."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT id, body, aside FROM records WHERE space = ? AND kind = ? ORDER BY position",
                (space, kind),
            )
            try:
                while batch := rows.fetchmany(FETCH):
                    yield from map(Record._make, batch)
            finally:
                rows.close()

    def page(self, space: str, kind: str, after: int, limit: int) -> list[tuple[int, Record]]:
        """Up to ``limit`` records behind the position ``after`` (-1 for the beginning), each with its position."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT position, id, body, aside FROM records WHERE space = ? AND kind = ? AND position > ?"
                " ORDER BY position LIMIT ?",
                (space, kind, after, limit),
            ).fetchall()
        return [(row[0], Record._make(row[1:])) for row in rows]

    def record(self, space: str, kind: str, id_: str) -> Record | None:
        with self.reading() as connection:
            row = connection.execute(
                "SELECT id, body, aside FROM records WHERE space = ? AND kind = ? AND id = ?",
                (space, kind, id_),
            ).fetchone()
        return Record._make(row) if row else None

    def count(self, space: str, kind: str) -> int:
        with self.reading() as connection:
            query = "SELECT count(*) FROM records WHERE space = ? AND kind = ?"
            return int(connection.execute(query, (space, kind)).fetchone()[0])

    def replace(self, space: str, kind: str, records: Iterable[Record]) -> int:
        """Put ``records`` in place of all there are; all or nothing. Returns how many there are now.

        Their ids must differ (sqlite3.IntegrityError).
        """
        with self.writing() as connection:
            connection.execute("DELETE FROM records WHERE space = ? AND kind = ?", (space, kind))
            connection.executemany(
                "INSERT INTO records (space, kind, position, id, body, aside) VALUES (?, ?, ?, ?, ?, ?)",
                ((space, kind, position, *record) for position, record in enumerate(records)),
            )
            connection.execute("INSERT OR IGNORE INTO filled (space) VALUES (?)", (space,))
            query = "SELECT count(*) FROM records WHERE space = ? AND kind = ?"
            return int(connection.execute(query, (space, kind)).fetchone()[0])

    def add(self, space: str, kind: str, record: Record) -> bool:
        """Put the record behind all others. False when there is one of that id."""
        with self.writing() as connection:
            added = connection.execute(
                "INSERT OR IGNORE INTO records (space, kind, position, id, body, aside)"
                " SELECT ?, ?, coalesce(max(position), -1) + 1, ?, ?, ? FROM records WHERE space = ? AND kind = ?",
                (space, kind, *record, space, kind),
            )
            return added.rowcount == 1

    def update(self, space: str, kind: str, record: Record) -> bool:
        """Change the record of that id; its place stays. False when there is none."""
        with self.writing() as connection:
            changed = connection.execute(
                "UPDATE records SET body = ?, aside = ? WHERE space = ? AND kind = ? AND id = ?",
                (record.body, record.aside, space, kind, record.id),
            )
            return changed.rowcount == 1

    def delete(self, space: str, kind: str, id_: str) -> bool:
        """False when there is no such record."""
        with self.writing() as connection:
            gone = connection.execute(
                "DELETE FROM records WHERE space = ? AND kind = ? AND id = ?", (space, kind, id_)
            )
            return gone.rowcount == 1

    def filled(self, space: str) -> bool:
        """Whether the space has ever been given records, be it none."""
        with self.reading() as connection:
            return connection.execute("SELECT 1 FROM filled WHERE space = ?", (space,)).fetchone() is not None
