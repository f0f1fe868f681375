"""Connections and transactions, the same for SQLite and Postgres.

A read transaction on SQLite begins deferred and is refused every write; a write transaction begins
IMMEDIATE. Upgrading a reading transaction to a writing one fails under load ("database is locked" on a
stale snapshot) whatever the busy timeout is, so writes are always announced before they start.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from webapp.core import turns
from webapp.core.models.base import db
from webapp.core.postgres_errors import postgres_text

log = logging.getLogger(__name__)

BUSY_TIMEOUT = 10  # seconds a SQLite writer waits for its turn
ASKS_FOR = (
    20  # milliseconds that SQLite itself asks again and again; left alone it soon asks every 100 ms only
)

# Statements here take milliseconds. Starting processes or compiling for one takes longer than it can win.
POSTGRES_OPTIONS = "-c timezone=UTC -c lock_timeout=30000 -c max_parallel_workers_per_gather=0 -c jit=off"
POSTGRES_CONNECT: dict[str, Any] = {"options": POSTGRES_OPTIONS, "connect_timeout": 5}


class ForeignKeysBroken(Exception):
    """A row refers to one that is not there."""


_writing: ContextVar[bool] = ContextVar("writing", default=False)


def init_app(app: Flask, url: str) -> None:
    """Bind ``app`` to the database at ``url`` and install the SQLite rules."""
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = _options(url)
    db.init_app(app)
    with app.app_context():
        install_sqlite_rules(db.engine)
        keep_values_out_of_errors(db.engine)

    @app.teardown_appcontext  # before Flask-SQLAlchemy's, which would raise and leave a dead session where it is
    def _end(_error: BaseException | None) -> None:
        _without_connection(db.session.close)


def _options(url: str) -> dict[str, Any]:
    options: dict[str, Any] = {"pool_pre_ping": True, "pool_size": 8, "connect_args": POSTGRES_CONNECT}
    if url.startswith("sqlite"):
        options = {"connect_args": {"timeout": BUSY_TIMEOUT}}
    return options | {"hide_parameters": True}


def engine_at(url: str) -> sa.Engine:
    """An engine like that of the application, for a process that has none."""
    engine = sa.create_engine(url, **_options(url))
    install_sqlite_rules(engine)
    keep_values_out_of_errors(engine)
    return engine


def brief_engine(url: str, patience: int) -> sa.Engine:
    """An engine that keeps no connection and waits ``patience`` seconds at most for each step."""
    if url.startswith("sqlite"):
        connect: dict[str, Any] = {"timeout": patience}
    else:
        limits = f" -c statement_timeout={patience * 1000} -c lock_timeout={patience * 1000}"
        lost = {"connect_timeout": max(2, patience), "tcp_user_timeout": patience * 1000}
        connect = {"options": POSTGRES_OPTIONS + limits, **lost}
    engine = sa.create_engine(url, poolclass=sa.NullPool, hide_parameters=True, connect_args=connect)
    install_sqlite_rules(engine)
    keep_values_out_of_errors(engine)
    return engine


def close_connections(app: Flask) -> None:
    """Close all connections of this process. Call before a fork: a child must inherit none.

    With one of SQLite's it would inherit the account of locks without the locks, and write over what others have
    written (sqlite.org, “How To Corrupt An SQLite Database File”, section 2.6).
    """
    with app.app_context():
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


def let_go() -> None:
    """Roll back what the session of this request or job has open, even if its connection is gone."""
    _without_connection(db.session.rollback)


def _without_connection(end: Callable[[], None]) -> None:
    """End a session by ``end``, or without its connection where that raises."""
    if not db.session.registry.has():
        return
    try:
        end()
    except sa.exc.SQLAlchemyError:
        log.warning("the connection to the database was lost", exc_info=True)
        db.session().invalidate()


def keep_values_out_of_errors(engine: sa.Engine) -> None:
    """Errors of Postgres quote rows in DETAIL and CONTEXT. Whoever shows, stores or logs one gets its first line."""

    @event.listens_for(engine, "handle_error")
    def _shorten(context: sa.engine.ExceptionContext) -> None:
        error, wrapped = context.original_exception, context.sqlalchemy_exception
        if not isinstance(error, psycopg.Error):
            return
        said, kept = str(error), postgres_text(error)
        error.args = (kept,)
        if wrapped is not None and wrapped.args:
            wrapped.args = (str(wrapped.args[0]).replace(said, kept), *wrapped.args[1:])


def install_sqlite_rules(engine: sa.Engine) -> None:
    """WAL, foreign keys, and transactions whose kind is chosen by :func:`writing`."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _connect(dbapi: Any, _record: object) -> None:
        dbapi.isolation_level = None  # the driver would begin transactions by itself
        for pragma in ("journal_mode=wal", "synchronous=normal", "foreign_keys=on", "cache_size=-16000"):
            dbapi.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        if _writing.get():
            connection.exec_driver_sql("PRAGMA query_only=0")
            with turns.announced(engine.url.database):
                _begin_immediate(connection)
        else:
            connection.exec_driver_sql("PRAGMA query_only=1")
            connection.exec_driver_sql("BEGIN")


def _begin_immediate(connection: sa.Connection) -> None:
    """Begin to write as soon as others let us, :data:`BUSY_TIMEOUT` from now at the latest."""
    driver: Any = connection.connection.driver_connection
    until = time.monotonic() + BUSY_TIMEOUT
    driver.execute(f"PRAGMA busy_timeout={ASKS_FOR}")
    try:
        while time.monotonic() < until:
            try:
                driver.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    break
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # once more, for the error as SQLAlchemy tells it
    finally:
        driver.execute(f"PRAGMA busy_timeout={int(BUSY_TIMEOUT * 1000)}")


@contextmanager
def writing() -> Iterator[None]:
    """Transactions that begin inside this block may write."""
    token = _writing.set(True)
    try:
        yield
    finally:
        _writing.reset(token)


@contextmanager
def write_transaction() -> Iterator[Session]:
    """One writing transaction of the request's session: committed at the end, rolled back on any error.

    The reading transaction before it is ended first, so what was read there must be read again under
    this one where it matters.
    """
    session = db.session()
    session.commit()
    with writing():
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise


@contextmanager
def foreign_keys_off(connection: sa.Connection) -> Iterator[None]:
    """Let a SQLite table be rebuilt without deleting the rows of others that refer to it.

    Rebuilding drops the old table, and with foreign keys on, dropping deletes its rows with all that hangs on
    them (sqlite.org, "Making Other Kinds Of Table Schema Changes"). Other databases do not rebuild tables.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys=off")  # does nothing within a transaction, so before it
    try:
        yield
    finally:
        connection.rollback()
        driver.execute("PRAGMA foreign_keys=on")


def check_foreign_keys(connection: sa.Connection) -> None:
    """Raise :class:`ForeignKeysBroken` when a row of a SQLite database refers to one that is not there."""
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if broken is not None:
            raise ForeignKeysBroken(f"a row of {broken[0]} refers to a row of {broken[2]} that is not there")


def rows_changed(session: Session, statement: sa.UpdateBase) -> int:
    """Execute an UPDATE or DELETE inside a write transaction; how many rows it touched.

    Objects already loaded are not brought up to date.
    """
    result = session.execute(statement, execution_options={"synchronize_session": False})
    assert isinstance(result, sa.CursorResult)  # noqa: S101 - what a DML statement returns
    return result.rowcount


def insert_into(target: Session | sa.Connection, table: sa.Table) -> Any:
    """An INSERT in the words of the target's database, which knows what to do ON CONFLICT."""
    bind = target.get_bind() if isinstance(target, Session) else target
    insert = sqlite.insert if bind.dialect.name == "sqlite" else postgresql.insert
    return insert(table)


@contextmanager
def write_connection() -> Iterator[sa.Connection]:
    """One writing transaction on a connection of its own, for set-based statements."""
    with writing(), db.engine.begin() as connection:
        yield connection
