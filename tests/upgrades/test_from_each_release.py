"""A database of each earlier version comes to this one with all that is in it, and the product goes on from there."""

from __future__ import annotations

import flask_migrate
import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import sign_in
from tests.sync.office import Office, Platform
from tests.sync.people import person
from tests.upgrades.rows import LANDED, PEOPLE, fill
from webapp.core.credentials import seal_for
from webapp.core.database import writing
from webapp.core.models import db
from webapp.core.permissions import PERMISSIONS
from webapp.core.schema_version import MIGRATIONS, newest, versions
from webapp.operations.startup import ready_to_serve

pytestmark = pytest.mark.parametrize("database_url", ["sqlite", "postgres_owner"], indirect=True)

PAGES = (
    "users", "users?status=pending", "integrations/platforms", "integrations/platforms/intercom/user-sync",
    "sync-status", "sync-status/runs/{one}", "audit", "roles", "structure", "users/{one}00",
)  # fmt: skip


def test_what_each_version_held_is_there_and_the_product_goes_on(app: Flask) -> None:
    """On the way up, a contract is written at each landed version, in the tables as they were then."""
    folder = str(MIGRATIONS)
    counts: dict[str, int] = {}
    with app.app_context():
        flask_migrate.downgrade(folder, revision="base")
        for one, version in enumerate(LANDED, 1):
            flask_migrate.upgrade(folder, revision=version)
            with writing(), db.engine.begin() as connection:
                sealed = seal_for([one, one, "intercom"], {"access_token": "secret"})
                for name, count in fill(connection, one, sealed, sorted(PERMISSIONS)).items():
                    counts[name] = counts.get(name, 0) + count
        ended = app.test_cli_runner().invoke(args=["db", "upgrade"])
        assert ended.exit_code == 0, ended.output
        with db.engine.connect() as connection:
            assert versions(connection) == newest()
            now = {name: connection.scalar(sa.text(f"SELECT count(*) FROM {name}")) for name in counts}
        assert now == counts
        assert ready_to_serve(app) is app

    for one, version in enumerate(LANDED, 1):
        actor = sign_in(app, one, f"admin{one}@example.com")
        for page in PAGES:
            answered = actor.get(f"/c/old-{one}/{page.format(one=one)}")
            assert answered.status_code == 200, f"{version}: {page}: {answered.status_code}"
        assert "Ada Lovelace" in actor.get(f"/c/old-{one}/users").text

    with app.app_context():
        there = [person(f"r{n}", name, f"person.{n}@example.com") for n, name in enumerate(PEOPLE[:-1])]
        for one, version in enumerate(LANDED, 1):
            office = Office(app, one, one, Platform([*there, person("new", "Newcomer", "new@example.com")]))
            run = office.sync()
            assert (run.state, run.imported, run.missing) == ("completed", 1, 0), f"{version}: {run.message}"
            assert len(office.users()) == 1 + len(PEOPLE) + 1
