"""The migrations make exactly the tables that the models describe, and take them away again."""

from __future__ import annotations

import flask_migrate
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask

from tests.servers.processes import ROOT
from tests.sync.office import open_office
from tests.sync.people import person
from webapp.core.database import writing
from webapp.core.models import db

pytestmark = pytest.mark.parametrize("database_url", ["sqlite", "postgres_owner"], indirect=True)

INDEXES = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
}


def indexes_and_checks(engine: sa.Engine) -> dict[str, str]:
    """Every index and check as the database itself writes it, by name."""
    found: dict[str, str] = {}
    with engine.connect() as connection:
        for name, text in connection.execute(sa.text(INDEXES[engine.dialect.name])):
            found[name] = " ".join(text.split())
    inspector = sa.inspect(engine)
    for table in inspector.get_table_names():
        for check in inspector.get_check_constraints(table):
            found[f"{table}: {check['name']}"] = " ".join(check["sqltext"].split())
    found.pop("alembic_version_pkc", None)
    return found


def test_an_upgrade_keeps_every_row(app: Flask) -> None:
    """Rebuilding a table (SQLite) must not take the rows with it that refer to it."""
    with app.app_context():
        office = open_office(app)
        office.sync(person("1"), person("2", name=None, email=None))
        db.session.commit()
        folder = str(ROOT / "migrations")
        flask_migrate.downgrade(folder, revision="0001")
        tables = [name for name in sa.inspect(db.engine).get_table_names() if name != "alembic_version"]
        before = rows_of(tables)
        assert {"contracts", "integrations", "people", "sync_runs", "sync_changes", "sync_requests"} <= {
            name for name, count in before.items() if count
        }
        flask_migrate.upgrade(folder)
        assert rows_of(tables) == before


def rows_of(tables: list[str]) -> dict[str, int]:
    with db.engine.connect() as connection:
        return {name: connection.scalar(sa.text(f"SELECT count(*) FROM {name}")) or 0 for name in tables}


@pytest.mark.filterwarnings("ignore:.*expression-based index:Warning")  # compared by the test below
def test_models_and_migrations_agree(app: Flask) -> None:
    with app.app_context(), db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []


def test_indexes_and_checks_of_models_and_migrations_agree(app: Flask) -> None:
    with app.app_context():
        migrated = indexes_and_checks(db.engine)
        flask_migrate.downgrade(str(ROOT / "migrations"), revision="base")
        with writing(), db.engine.begin() as connection:
            db.metadata.create_all(connection)
        described = indexes_and_checks(db.engine)
    assert "uq_teams_sibling_name" in described
    assert migrated == described


def test_the_way_back_removes_every_table(app: Flask) -> None:
    with app.app_context():
        flask_migrate.downgrade(str(ROOT / "migrations"), revision="base")
        assert sa.inspect(db.engine).get_table_names() == ["alembic_version"]
