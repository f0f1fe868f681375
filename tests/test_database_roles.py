"""The role that serves owns nothing: what it may do, what it is refused, and how it is told apart from the owner.

That the product works as that role is shown by every other test on Postgres: they all sign in as one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import flask_migrate
import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

import config
import webapp
from config import normal_database_url
from tests.actors import make_contract
from tests.servers.postgres import Postgres, Role
from tests.servers.processes import ROOT
from webapp.core.database_roles import WrongRole, beyond_serving, migrating_engine
from webapp.core.models import db
from webapp.operations.startup import ready_to_serve

DOCUMENT = (ROOT / "docs/database-roles.md").read_text(encoding="utf-8")


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


@pytest.fixture
def build(settings: config.Settings) -> Iterator[Callable[..., Flask]]:
    """``build(database_url=…)``: the application with other settings."""
    apps = []

    def build(**changes: object) -> Flask:
        apps.append(webapp.create_app(replace(settings, **changes)))  # type: ignore[arg-type]
        return apps[-1]

    yield build
    for app in apps:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def owner(postgres_owner_url: str) -> Iterator[psycopg.Connection]:
    """A connection of the owner."""
    with psycopg.connect(postgres_owner_url, autocommit=True) as connection:
        yield connection


def role_of(app: Flask) -> str:
    with app.app_context():
        return str(db.session.scalar(sa.text("SELECT current_user")))


REFUSED = [
    "UPDATE audit_events SET actor = 'Somebody else'",
    "DELETE FROM audit_events",
    "TRUNCATE audit_events",
    "TRUNCATE heartbeats",
    "ALTER TABLE audit_events DISABLE TRIGGER ALL",
    "DROP TRIGGER audit_events_append_only ON audit_events",
    "ALTER TABLE users ADD COLUMN x int",
    "ALTER TABLE users DROP CONSTRAINT fk_users_contract_id_contracts",
    "ALTER TABLE audit_events OWNER TO CURRENT_USER",
    "DROP TABLE heartbeats",
    "DROP INDEX ix_audit_events_by_time",
    "CREATE TABLE x (id int)",
    "CREATE FUNCTION x() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TRIGGER x BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "SET session_replication_role = replica",
    "UPDATE alembic_version SET version_num = '0001'",
    "DELETE FROM alembic_version",
    "SELECT setval(pg_get_serial_sequence('users', 'id'), 1)",
    "CREATE ROLE x SUPERUSER",
    "COPY (SELECT 1) TO PROGRAM 'true'",
]


def test_what_changes_tables_or_the_audit_log_is_refused(app: Flask) -> None:
    make_contract(app, "acme")
    with app.app_context(), db.engine.connect() as connection:
        before = connection.execute(sa.text("SELECT * FROM audit_events")).all()
        assert before
        for statement in REFUSED:
            connection.rollback()
            with pytest.raises(sa.exc.ProgrammingError) as refused:
                connection.exec_driver_sql(statement)
            assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege), statement
        connection.rollback()
        assert connection.execute(sa.text("SELECT * FROM audit_events")).all() == before


def test_the_role_has_none_of_the_rights_over_everything(app: Flask) -> None:
    with app.app_context(), db.engine.connect() as connection:
        attributes = connection.execute(
            sa.text(
                "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
                " FROM pg_roles WHERE rolname = current_user"
            )
        ).one()
        assert not any(attributes)
        owned = sa.text("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole")
        assert connection.scalar(owned) == 0
        assert beyond_serving(connection) == []


def test_migrating_again_gives_what_is_missing_and_takes_what_is_too_much(
    build: Callable[..., Flask],
    app: Flask,
    owner: psycopg.Connection,
    postgres_owner_url: str,
) -> None:
    role = role_of(app)
    owner.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
    owner.execute(f"REVOKE ALL ON users, teams FROM {role}")
    owner.execute(f"REVOKE ALL ON SEQUENCE users_id_seq FROM {role}")
    with pytest.raises(SystemExit, match=r"may not use teams, users\. Run flask db upgrade with MIGRATIONS_"):
        ready_to_serve(app)
    ended = app.test_cli_runner().invoke(args=["database", "role"])
    assert (ended.exit_code, "may not use teams, users" in ended.stderr) == (1, True)

    migrating = build(migrations_database_url=normal_database_url(postgres_owner_url))
    for _ in range(2):
        with migrating.app_context():
            flask_migrate.upgrade(str(ROOT / "migrations"))
    assert ready_to_serve(app) is app
    ended = app.test_cli_runner().invoke(args=["database", "role"])
    assert (ended.exit_code, ended.output) == (0, f"The role {role} serves and may do nothing beyond that.\n")
    make_contract(app, "acme")  # rows of many tables, and their numbers


@pytest.fixture
def as_documented(postgres: Postgres) -> Iterator[Callable[[str], str]]:
    """A server on which the first SQL of the document was carried out: gives where a role finds the database."""
    first, inside = re.findall(r"```sql\n(.*?)```", DOCUMENT, re.DOTALL)[0].split("\\connect rollcall\n")
    roles = [Role(name, "…") for name in ("rollcall_owner", "rollcall_serving")]
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        for statement in first.strip().splitlines():
            connection.execute(statement.encode())
    try:
        with psycopg.connect(postgres.url_of("rollcall"), autocommit=True) as connection:
            connection.execute(inside.encode())
        yield lambda name: normal_database_url(
            postgres.url_of("rollcall", next(role for role in roles if role.name == name))
        )
    finally:
        postgres.drop("rollcall")
        for role in roles:
            postgres.drop_role(role)


def test_a_database_made_as_the_document_says_migrates_and_serves(
    build: Callable[..., Flask], as_documented: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    app = build(mode="production", database_url=as_documented("rollcall_serving"))
    with pytest.raises(SystemExit, match=r"flask db upgrade\.$"):
        ready_to_serve(app)
    migrating = build(
        database_url=as_documented("rollcall_serving"),
        migrations_database_url=as_documented("rollcall_owner"),
    )
    assert migrating.test_cli_runner().invoke(args=["db", "upgrade"]).exit_code == 0
    caplog.clear()
    assert ready_to_serve(app) is app
    assert caplog.messages == []
    make_contract(app, "acme")


def test_a_table_that_a_later_version_makes_can_be_used(
    build: Callable[..., Flask], app: Flask, postgres_owner_url: str
) -> None:
    migrating = build(migrations_database_url=normal_database_url(postgres_owner_url))
    with migrating.app_context():
        flask_migrate.downgrade(str(ROOT / "migrations"), revision="0066")
        flask_migrate.upgrade(str(ROOT / "migrations"))
    with app.app_context(), db.engine.connect() as connection:
        connection.execute(sa.text("SELECT count(*) FROM user_uploads"))
        assert beyond_serving(connection) == []


def test_who_serves_cannot_migrate_and_is_told_what_to_set(
    app: Flask, owner: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    owner.execute("UPDATE alembic_version SET version_num = '0067'")
    ended = app.test_cli_runner().invoke(args=["db", "upgrade"])
    assert ended.exit_code == 1
    assert "This role may not migrate the database (must be owner of" in caplog.text
    assert "Set MIGRATIONS_DATABASE_URL, for this command alone" in caplog.text
    assert app.test_cli_runner().invoke(args=["db", "current"]).exit_code == 0
    owner.execute("UPDATE alembic_version SET version_num = '0068'")


def test_two_settings_that_name_one_role_or_two_databases_are_refused(
    settings: config.Settings, app: Flask, postgres: Postgres, postgres_owner_url: str
) -> None:
    elsewhere = normal_database_url(postgres.url)
    for url, why in ((settings.database_url, "both sign in as"), (elsewhere, "the database postgres")):
        with (
            app.app_context(),
            pytest.raises(WrongRole, match=why),
            migrating_engine(replace(settings, migrations_database_url=url)),
        ):
            pass


TOO_MUCH = [
    ("ALTER ROLE {} SUPERUSER", "ALTER ROLE {} NOSUPERUSER", "is a superuser"),
    ("ALTER ROLE {} BYPASSRLS", "ALTER ROLE {} NOBYPASSRLS", "bypasses row-level security"),
    (
        "ALTER ROLE {} CREATEROLE CREATEDB",
        "ALTER ROLE {} NOCREATEROLE NOCREATEDB",
        "makes roles, makes databases",
    ),
    ("GRANT CREATE ON SCHEMA public TO {}", "REVOKE CREATE ON SCHEMA public FROM {}", "makes tables"),
    (
        "GRANT TRUNCATE ON users TO {}",
        "REVOKE TRUNCATE ON users FROM {}",
        "empties tables or puts triggers on them",
    ),
    (
        "GRANT UPDATE (actor) ON audit_events TO {}",
        "REVOKE UPDATE (actor) ON audit_events FROM {}",
        "changes entries of the audit log",
    ),
    (
        "GRANT pg_execute_server_program TO {}",
        "REVOKE pg_execute_server_program FROM {}",
        "reaches files or programs of the database server",
    ),
    (
        "ALTER TABLE users OWNER TO {}",
        "ALTER TABLE users OWNER TO CURRENT_USER",
        "owns tables, empties tables or puts triggers on them",
    ),
]


def test_a_role_that_may_do_more_is_named_in_the_log_of_production_and_by_the_command(
    build: Callable[..., Flask], owner: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    app = build(mode="production")
    role = role_of(app)
    assert ready_to_serve(app) is app
    assert caplog.messages == []
    for given, taken, words in TOO_MUCH:
        owner.execute(given.format(role))
        try:
            caplog.clear()
            assert ready_to_serve(app) is app
            assert caplog.messages[0].startswith(f"the database role {role} that serves {words}. ")
            ended = app.test_cli_runner().invoke(args=["database", "role"])
            assert (ended.exit_code, f"serves and {words}. docs/" in ended.stderr) == (1, True)
        finally:
            owner.execute(taken.format(role))


def test_the_owners_password_is_not_for_processes_that_serve(
    build: Callable[..., Flask], postgres_owner_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    ready_to_serve(build(mode="production", migrations_database_url=normal_database_url(postgres_owner_url)))
    assert "MIGRATIONS_DATABASE_URL is set for a process that serves" in caplog.text


def test_sqlite_has_no_roles(build: Callable[..., Flask], sqlite_url: str, tmp_path: Path) -> None:
    app = build(mode="production", database_url=sqlite_url)
    assert ready_to_serve(app) is app
    assert app.test_cli_runner().invoke(args=["database", "role"]).output == "SQLite has no roles.\n"
