"""The migrations make the tables that the models describe, on both databases, and can be taken back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import flask_migrate
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask

import config
import webapp
from tests.servers.postgres import Postgres
from tests.servers.processes import ROOT
from webapp.models import db

MIGRATIONS = str(ROOT / "migrations")


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.create()
    yield server.url_of(name)
    server.drop(name)


@pytest.fixture
def begin(redis_url: str, tmp_path: Path) -> Iterator[Callable[[str], Flask]]:
    """``begin(url)`` gives the application upon that database, inside its context."""
    contexts = []

    def begin(url: str) -> Flask:
        app = webapp.create_app(
            config.test_settings(database_url=url, redis_url=redis_url, data_dir=tmp_path)
        )
        contexts.append(app.app_context())
        contexts[-1].push()
        return app

    yield begin
    for context in reversed(contexts):
        db.session.remove()
        db.engine.dispose()
        context.pop()


def schema() -> dict[str, object]:
    """All that the database says of its tables, in a form that can be compared."""
    inspector = sa.inspect(db.engine)
    return {
        table: {
            "columns": {
                column["name"]: (
                    str(column["type"]),
                    column["nullable"],
                    column["default"],
                    column.get("comment"),
                )
                for column in inspector.get_columns(table)
            },
            "primary key": inspector.get_pk_constraint(table),
            "foreign keys": _sorted(inspector.get_foreign_keys(table)),
            "unique": _sorted(inspector.get_unique_constraints(table)),
            "checks": _sorted(inspector.get_check_constraints(table)),
            "indexes": _sorted(inspector.get_indexes(table)),
        }
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }


def _sorted(found: object) -> list[str]:
    assert isinstance(found, list)
    texts = [json.dumps(one, sort_keys=True, default=str) for one in found]
    return sorted(re.sub(r"\s+", " ", text) for text in texts)


def test_the_migrations_make_what_the_models_describe(
    empty_url: str, begin: Callable[[str], Flask], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    begin(empty_url)
    flask_migrate.upgrade(MIGRATIONS)
    migrated = schema()
    with db.engine.connect() as connection:
        found = MigrationContext.configure(connection, opts={"compare_type": True})
        assert [change for change in compare_metadata(found, db.metadata) if not _same_moment(change)] == []

    if empty_url.startswith("sqlite"):
        begin(f"sqlite:///{tmp_path / 'described.db'}")
        db.create_all()
        described = schema()
    else:
        server: Postgres = request.getfixturevalue("postgres")
        name = server.create()
        begin(server.url_of(name))
        db.create_all()
        described = schema()
        db.engine.dispose()
        server.drop(name)
    assert migrated.keys() == described.keys()
    for table, there in described.items():
        assert migrated[table] == there, table


def _same_moment(change: object) -> bool:
    """SQLite keeps a moment as DATETIME, for which it knows no zone."""
    match change:
        case [("modify_type", _, _, _, _, sa.DateTime(), sa.types.TypeDecorator())]:
            return True
    return False


def test_they_can_be_taken_back_and_run_again(empty_url: str, begin: Callable[[str], Flask]) -> None:
    begin(empty_url)
    flask_migrate.upgrade(MIGRATIONS)
    first = schema()
    flask_migrate.downgrade(MIGRATIONS, revision="base")
    assert schema() == {}
    flask_migrate.upgrade(MIGRATIONS)
    assert schema() == first


def test_running_them_again_changes_nothing(empty_url: str, begin: Callable[[str], Flask]) -> None:
    begin(empty_url)
    flask_migrate.upgrade(MIGRATIONS)
    with db.engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA query_only=0") if connection.dialect.name == "sqlite" else None
        connection.execute(
            sa.text("INSERT INTO heartbeats (name, seen_at) VALUES ('worker', '2026-01-01 00:00:00')")
        )
    flask_migrate.upgrade(MIGRATIONS)
    with db.engine.connect() as connection:
        assert connection.execute(sa.text("SELECT name FROM heartbeats")).scalars().all() == ["worker"]


def test_there_is_one_line_of_migrations() -> None:
    assert len(ScriptDirectory(MIGRATIONS).get_heads()) == 1
