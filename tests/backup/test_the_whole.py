"""The whole of it on SQLite: import, back up, go on, destroy, restore, sync (B6)."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.backup.conftest import Product
from tests.backup.test_going_on import crowd
from tests.sync.office import Office, Platform, open_office
from webapp.core.database import write_transaction
from webapp.core.models import User, db, utcnow


def at(app: Flask, office: Office, platform: Platform) -> Office:
    return Office(app, office.contract_id, office.integration_id, platform)


@pytest.mark.parametrize(("renamed", "state"), [(2, "completed"), (12, "held")])
def test_B6_import_backup_destroy_restore_sync(
    product: Product, database: Path, tmp_path: Path, renamed: int, state: str
) -> None:
    with product.running() as app:
        office = open_office(app)
        office.sync(*crowd(30))
        assert product.flask("backup", tmp_path / "nightly.db").exit_code == 0
        there = [
            *crowd(renamed, "Renamed"),
            *crowd(28 - renamed, first=renamed),
            *crowd(5, "Newcomer", first=60),
        ]
        assert office.sync(*there).state == "completed"
        with write_transaction() as session:
            session.execute(sa.update(User).values(status="active", status_since=utcnow()))
        platform = office.platform

    for part in ("", "-wal", "-shm"):
        database.with_name(database.name + part).unlink(missing_ok=True)
    assert product.flask("restore", tmp_path / "nightly.db").exit_code == 0

    with product.running() as app:
        office = at(app, office, platform)
        assert {user.status for user in office.users().values()} == {"pending"}
        run = office.sync()
        assert run.state == state, run.message
        if state == "held":
            assert sorted(user.name for user in office.users().values()) == sorted(
                f"Person {number}" for number in range(30)
            )
            return
        assert (run.renamed, run.missing, run.imported) == (2, 2, 5)
        names = [user.name for user in office.users().values()]
        assert len(names) == len(set(names)) == 35
        assert set(names) >= {one.name for one in there}
        again = office.sync()
        assert (again.state, again.imported, again.renamed) == ("completed", 0, 0)
        db.session.rollback()
