"""Real trouble of a database in the middle of a run: begun between two batches, over when a test says so."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy import event

from tests.sync.office import Office, between_batches
from webapp.core.models import SyncRun

OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

# What happens, and what people read. Where nothing can be written, the run says nothing and is left to its lease.
KINDS: dict[str, tuple[str, str | None]] = {
    "sqlite-locked": ("sqlite", None),
    "sqlite-full": ("sqlite", "The database’s disk is full."),
    "postgres-killed": ("postgres", "The connection to the database was lost."),
    "postgres-no-connection": ("postgres", None),
    "postgres-locked": ("postgres", "Another program kept the database locked."),
    "postgres-slow": ("postgres", "The database cancelled a statement that took too long."),
    "postgres-full": ("postgres", "The database’s disk is full."),
}


@contextmanager
def trouble(office: Office, kind: str, owner_url: str | None) -> Iterator[Callable[[], None]]:
    """A call begins the trouble; it is over with the block."""
    begin: dict[str, Callable[[ExitStack], None]] = {
        "sqlite-locked": lambda until: _sqlite_locked(office, until),
        "sqlite-full": lambda until: _sqlite_full(office, until),
        "postgres-killed": lambda until: _killed(office, str(owner_url), until),
        "postgres-no-connection": lambda until: _no_connection(office, str(owner_url), until),
        "postgres-locked": lambda until: _locked(str(owner_url), until),
        "postgres-slow": lambda until: _slow(office, str(owner_url), until),
        "postgres-full": lambda until: _full(str(owner_url), until),
    }
    with ExitStack() as until:
        yield lambda: begin[kind](until)


@contextmanager
def in_the_middle(office: Office, run: SyncRun, kind: str, owner_url: str | None) -> Iterator[None]:
    """The trouble begins once a batch of ``run`` is through, and is over with the block."""
    with trouble(office, kind, owner_url) as begin, between_batches(office, run, begin):
        yield


def _sqlite_locked(office: Office, until: ExitStack) -> None:
    other = sqlite3.connect(str(office.engine.url.database), isolation_level=None, check_same_thread=False)
    until.callback(other.close)
    other.execute("BEGIN IMMEDIATE")


def _sqlite_full(office: Office, until: ExitStack) -> None:
    """Not one page more, for whoever begins to write."""

    def limit(connection: sa.Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count=1")  # the size that there is counts as the least

    def free(connection: sa.Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count=1073741823")

    event.listen(office.engine, "begin", limit)
    until.callback(event.listen, office.engine, "begin", free)
    until.callback(event.remove, office.engine, "begin", limit)


def _killed(office: Office, owner_url: str, until: ExitStack) -> None:
    """As ``pg_terminate_backend`` does, in the middle of a transaction."""

    killed: list[bool] = []

    def kill(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if not killed and "sync_changes" in statement and not statement.startswith("SELECT"):
            killed.append(True)
            _terminate(owner_url)

    event.listen(office.engine, "before_cursor_execute", kill)
    until.callback(event.remove, office.engine, "before_cursor_execute", kill)


def _no_connection(office: Office, owner_url: str, until: ExitStack) -> None:
    role = sql.Identifier(str(office.engine.url.username))

    def limit(number: int) -> None:
        with psycopg.connect(owner_url, autocommit=True) as owner:
            owner.execute(sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(role, sql.Literal(number)))

    until.callback(limit, -1)
    limit(0)
    _killed(office, owner_url, until)


def _locked(owner_url: str, until: ExitStack) -> None:
    owner = until.enter_context(psycopg.connect(owner_url))
    owner.execute("LOCK TABLE sync_changes IN ACCESS EXCLUSIVE MODE")


def _slow(office: Office, owner_url: str, until: ExitStack) -> None:
    """A statement that waits for longer than the server lets it."""

    def short(connection: sa.Connection) -> None:
        connection.exec_driver_sql("SET LOCAL statement_timeout = 150")

    event.listen(office.engine, "begin", short)
    until.callback(event.remove, office.engine, "begin", short)
    _locked(owner_url, until)


def _full(owner_url: str, until: ExitStack) -> None:
    """What Postgres says when a table can grow no further."""

    def execute(*statements: str) -> None:
        with psycopg.connect(owner_url, autocommit=True) as owner:
            for statement in statements:
                owner.execute(statement)

    until.callback(execute, "DROP TRIGGER full_disk ON sync_changes", "DROP FUNCTION full_disk")
    execute(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$",
        "CREATE TRIGGER full_disk BEFORE INSERT ON sync_changes EXECUTE FUNCTION full_disk()",
    )


def _terminate(owner_url: str) -> None:
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute(f"SELECT pg_terminate_backend(pid, 5000) {OTHERS}")
