"""The two roles of a Postgres database: one owns the tables and migrates them, the other serves.

``MIGRATIONS_DATABASE_URL`` signs in as the first and is for ``flask db upgrade`` alone, ``DATABASE_URL`` as the second.
Each migration gives the second what it needs of exactly the tables there are then, and takes what is beyond that.
Without that setting one role does both. SQLite has no roles.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa

from config import Settings
from webapp.core.database import POSTGRES_CONNECT, keep_values_out_of_errors
from webapp.core.models import db

log = logging.getLogger(__name__)

NEEDED = {"alembic_version": ("SELECT",), "audit_events": ("SELECT", "INSERT")}
NEEDED_ELSEWHERE = ("SELECT", "INSERT", "UPDATE", "DELETE")

_TABLES = "FROM pg_class WHERE relkind IN ('r', 'p') AND pg_table_is_visible(oid) AND relname = ANY(:names)"
_SEQUENCES = (
    "SELECT DISTINCT s.oid::regclass::text FROM pg_class s JOIN pg_depend d ON d.objid = s.oid"
    " AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')"
    " JOIN pg_class t ON t.oid = d.refobjid"
    " WHERE s.relkind = 'S' AND pg_table_is_visible(t.oid) AND t.relname = ANY(:names)"
)
_ROLE = "FROM pg_roles WHERE rolname = current_user"

# What a role may do that serving does not need, whether it was given it or is a member of a role that was.
_BEYOND = {
    "is a superuser": f"SELECT rolsuper {_ROLE}",
    "bypasses row-level security": f"SELECT rolbypassrls {_ROLE}",
    "makes roles": f"SELECT rolcreaterole {_ROLE}",
    "makes databases": f"SELECT rolcreatedb {_ROLE}",
    "owns the database": (
        "SELECT pg_has_role(current_user, datdba, 'MEMBER') FROM pg_database WHERE datname = current_database()"
    ),
    "owns tables": f"SELECT bool_or(pg_has_role(current_user, relowner, 'MEMBER')) {_TABLES}",
    "makes tables": "SELECT has_schema_privilege(current_schema(), 'CREATE')",
    "empties tables or puts triggers on them": (
        f"SELECT bool_or(has_table_privilege(oid, 'TRUNCATE, TRIGGER, REFERENCES')) {_TABLES}"
    ),
    "changes entries of the audit log": (
        "SELECT bool_or(has_any_column_privilege(oid, 'UPDATE') OR has_table_privilege(oid, 'DELETE'))"
        f" {_TABLES} AND relname = 'audit_events'"
    ),
    "reaches files or programs of the database server": (
        "SELECT bool_or(pg_has_role(current_user, oid, 'MEMBER')) FROM pg_roles WHERE rolname IN"
        " ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program')"
    ),
}


class WrongRole(RuntimeError):
    """A role that cannot do what it is there for. The text says what to do; ``flask db`` ends with it."""


@contextmanager
def migrating_engine(settings: Settings) -> Iterator[sa.Engine]:
    """The engine to migrate with. Raises :class:`WrongRole` when the settings name one role or two databases."""
    if not settings.migrations_database_url:
        yield db.engine
        return
    engine = sa.create_engine(
        settings.migrations_database_url,
        connect_args=POSTGRES_CONNECT,
        poolclass=sa.NullPool,
        hide_parameters=True,
    )
    keep_values_out_of_errors(engine)
    with engine.connect() as migrating, db.engine.connect() as serving:
        (owner, name), (role, served) = (
            connection.execute(sa.text("SELECT current_user, current_database()")).one()
            for connection in (migrating, serving)
        )
    if owner == role:
        raise WrongRole(f"MIGRATIONS_DATABASE_URL and DATABASE_URL both sign in as {role}. Use two roles.")
    if name != served:
        raise WrongRole(f"MIGRATIONS_DATABASE_URL is the database {name}, DATABASE_URL {served}. Use one.")
    yield engine


@contextmanager
def as_owner() -> Iterator[None]:
    """Inside, what only the owner of the tables may do raises :class:`WrongRole` for anybody else."""
    try:
        yield
    except sa.exc.ProgrammingError as error:
        if not isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
            raise
        reason = str(error.orig).splitlines()[0]
        raise WrongRole(
            f"This role may not migrate the database ({reason}). Set MIGRATIONS_DATABASE_URL, for this command alone, "
            "to the role that owns the tables."
        ) from error


def let_serve(connection: sa.Connection, settings: Settings) -> None:
    """Give the role of ``DATABASE_URL`` what serving needs of the tables there are, and nothing else of them.

    ``connection`` is that of the role that migrates, inside its transaction; nothing is done when there is one role.
    """
    if not settings.migrations_database_url:
        return
    quoted = connection.dialect.identifier_preparer.quote_identifier
    with db.engine.connect() as serving:
        role = quoted(serving.scalar(sa.text("SELECT current_user")) or "")
    schema = quoted(connection.scalar(sa.text("SELECT current_schema()")) or "")
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
    for table in _tables(connection):
        rights = ", ".join(NEEDED.get(table, NEEDED_ELSEWHERE))
        connection.exec_driver_sql(f"REVOKE ALL ON TABLE {quoted(table)} FROM {role}")
        connection.exec_driver_sql(f"GRANT {rights} ON TABLE {quoted(table)} TO {role}")
    for sequence in connection.scalars(sa.text(_SEQUENCES), {"names": _names()}):
        connection.exec_driver_sql(f"REVOKE ALL ON SEQUENCE {sequence} FROM {role}")
        connection.exec_driver_sql(f"GRANT USAGE ON SEQUENCE {sequence} TO {role}")


def beyond_serving(connection: sa.Connection) -> list[str]:
    """What the role of ``connection`` may do that serving does not need, in words; of a superuser only that."""
    if connection.dialect.name != "postgresql":
        return []
    found = []
    for words, query in _BEYOND.items():
        if connection.scalar(sa.text(query), {"names": _names()} if ":names" in query else {}):
            found.append(words)
            if words == "is a superuser":
                break
    return found


def refuse_too_little(connection: sa.Connection) -> None:
    """Raise :class:`WrongRole` when the role of ``connection`` was not given what serving needs of every table."""
    if connection.dialect.name != "postgresql":
        return
    lacking: list[str] = []
    for rights in {NEEDED_ELSEWHERE, *NEEDED.values()}:
        allowed = " AND ".join(f"has_table_privilege(oid, '{right}')" for right in rights)
        names = [name for name in _names() if NEEDED.get(name, NEEDED_ELSEWHERE) == rights]
        lacking += connection.scalars(
            sa.text(f"SELECT relname {_TABLES} AND NOT ({allowed})"), {"names": names}
        )
    if lacking:
        raise WrongRole(
            f"The role of DATABASE_URL may not use {', '.join(sorted(lacking))}. "
            "Run flask db upgrade with MIGRATIONS_DATABASE_URL set to the role that owns the tables."
        )


def warn_of_too_much(connection: sa.Connection) -> None:
    """Write a warning when the role of ``connection``, which serves, may do more than that."""
    beyond = beyond_serving(connection)
    if beyond:
        log.warning(
            "the database role %s that serves %s. Let another role own and migrate the tables: "
            "docs/database-roles.md says how.",
            connection.scalar(sa.text("SELECT current_user")),
            ", ".join(beyond),
        )


def _names() -> list[str]:
    return [*db.metadata.tables, "alembic_version"]


def _tables(connection: sa.Connection) -> list[str]:
    """The tables of the product that there are."""
    return list(
        connection.scalars(sa.text(f"SELECT relname {_TABLES} ORDER BY relname"), {"names": _names()})
    )
