"""``flask restore``: back to a backup, whole or not at all (B6)."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import flask_migrate
import pytest
import sqlalchemy as sa
from click.testing import Result
from cryptography.fernet import Fernet

from tests.backup.conftest import Product
from tests.servers.ports import port_run
from tests.servers.web import running_web
from tests.sync.office import open_office
from tests.sync.people import person
from webapp.core.credentials import unseal
from webapp.core.models import Contract, Integration, User, db
from webapp.core.schema_version import MIGRATIONS, newest, versions
from webapp.operations.backup.in_use import alone_with
from webapp.operations.startup import ready_to_serve


@pytest.fixture
def backup(product: Product, tmp_path: Path) -> Path:
    """A backup of a contract with three people in it; a fourth has come since."""
    with product.running() as app:
        office = open_office(app)
        three = [person(str(n), f"Person {n}", f"p{n}@example.com") for n in range(3)]
        office.sync(*three)
        assert product.flask("backup", tmp_path / "backup.db").exit_code == 0
        office.sync(*three, person("4", "Late Comer", "late@example.com"))
    return tmp_path / "backup.db"


def names(product: Product) -> list[str]:
    with product.running():
        return list(db.session.scalars(sa.select(User.name).order_by(User.name)))


def refused(result: Result) -> str:
    assert result.exit_code == 1, result.output
    return result.output


def test_B6_a_restored_database_is_that_of_the_backup_and_what_was_there_is_kept(
    product: Product, backup: Path, database: Path
) -> None:
    said = product.flask("restore", backup)
    assert said.exit_code == 0, said.output
    assert "The next run of each platform is compared" in said.output
    assert names(product) == ["Person 0", "Person 1", "Person 2"]
    assert database.stat().st_mode & 0o777 == 0o600
    (kept,) = [path for path in database.parent.iterdir() if path.name.startswith(f"{database.name}.before-")]
    assert str(kept) in said.output
    with closing(sqlite3.connect(kept)) as before:
        assert before.execute("SELECT count(*) FROM users").fetchone() == (4,)
    with product.running() as app:
        assert ready_to_serve(app) is app
        assert unseal(db.session.scalars(sa.select(Integration)).one()) == {"access_token": "secret"}
        assert not sa.inspect(db.engine).has_table("rollcall_backup")
    kept.unlink()


@pytest.mark.parametrize("left", ["nothing", "a log without its database", "something broken"])
def test_B6_a_destroyed_database_comes_back(
    product: Product, backup: Path, database: Path, left: str
) -> None:
    for part in ("", "-wal", "-shm"):
        database.with_name(database.name + part).unlink(missing_ok=True)
    if left == "a log without its database":
        database.with_name(f"{database.name}-wal").write_bytes(b"x" * 5000)
    if left == "something broken":
        database.write_bytes(b"no database at all" * 500)
    said = product.flask("restore", backup)
    assert said.exit_code == 0, said.output
    assert ("is kept as" in said.output) == (left == "something broken")
    assert names(product) == ["Person 0", "Person 1", "Person 2"]


def test_B6_a_backup_of_an_older_version_is_brought_to_this_one(product: Product, tmp_path: Path) -> None:
    with product.running() as app:
        open_office(app)
        flask_migrate.downgrade(str(MIGRATIONS), revision="0071")
    old = tmp_path / "old.db"
    with closing(sqlite3.connect(product.settings.database_url.removeprefix("sqlite:///"))) as source:
        source.execute("VACUUM INTO ?", (str(old),))
    with closing(sqlite3.connect(old)) as copy, copy:
        text = (
            '{"product": "Rollcall", "release": "0.1.0", "versions": ["0071"], "taken_at": "2026-11-24T10:00:00Z", '
            '"keys": []}'
        )
        copy.execute("CREATE TABLE rollcall_backup (manifest TEXT NOT NULL)")
        copy.execute("INSERT INTO rollcall_backup VALUES (?)", (text,))
    said = product.flask("restore", old)
    assert said.exit_code == 0, said.output
    assert "made by Rollcall 0.1.0" in said.output
    with product.running() as app:
        assert ready_to_serve(app) is app
        with db.engine.connect() as connection:
            assert versions(connection) == newest()
        assert db.session.scalars(sa.select(Integration)).one().restored_at is not None


def changed(backup: Path, tmp_path: Path, old: str, new: str) -> Path:
    """The backup with another manifest."""
    other = tmp_path / "changed.db"
    other.write_bytes(backup.read_bytes())
    with closing(sqlite3.connect(other)) as copy, copy:
        copy.execute("UPDATE rollcall_backup SET manifest = replace(manifest, ?, ?)", (old, new))
    return other


def test_B6_what_is_no_good_backup_changes_nothing(product: Product, backup: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("nothing of the kind")
    plain = tmp_path / "plain.db"
    with closing(sqlite3.connect(plain)) as database:
        database.execute("CREATE TABLE x (y)")
    damaged = tmp_path / "damaged.db"
    content = bytearray(backup.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 8192] = b"\xff" * 8192
    damaged.write_bytes(content)
    newer = changed(backup, tmp_path, f'["{min(newest())}"]', '["9999"]')
    for file, words in (
        (tmp_path / "missing.db", "There is no file"),
        (tmp_path / "text", "is no backup"),
        (plain, "is no backup"),
        (damaged, "is damaged"),
        (newer, "is of a newer version of Rollcall"),
    ):
        assert words in refused(product.flask("restore", file))
    assert names(product) == ["Late Comer", "Person 0", "Person 1", "Person 2"]


def test_B6_other_keys_are_told_before_anything_changes(product: Product, backup: Path) -> None:
    other = (Fernet.generate_key().decode(),)
    said = refused(product.flask("restore", backup, credential_keys=other))
    assert "Add the old keys at the end of CREDENTIAL_KEYS" in said
    assert len(names(product)) == 4
    both = (*other, *product.settings.credential_keys)
    assert product.flask("restore", backup, credential_keys=both).exit_code == 0
    assert product.flask("restore", backup, "--other-keys", credential_keys=other).exit_code == 0
    assert len(names(product)) == 3


def test_B6_a_database_in_use_is_not_replaced(product: Product, backup: Path, tmp_path: Path) -> None:
    """Until the last process that serves from it has ended, however it ends."""
    with port_run() as port:
        settings = product.settings
        with running_web(
            tmp_path,
            port,
            database_url=settings.database_url,
            redis_url=settings.redis_url,
        ) as web:
            said = refused(product.flask("restore", backup))
            assert "is in use. Stop the web, the workers and the scheduler first" in said
            web.program.stop(signal.SIGKILL)
    assert len(names(product)) == 4
    assert product.flask("restore", backup).exit_code == 0


def test_B6_a_command_that_works_meanwhile_is_waited_for(product: Product, backup: Path) -> None:
    with product.running():
        db.session.execute(sa.select(Contract.id))
        assert "is in use by a command" in refused(product.flask("restore", backup))
    assert len(names(product)) == 4


def test_B6_nothing_begins_to_serve_while_it_is_restored(product: Product, database: Path) -> None:
    with (
        alone_with(database),
        product.running() as app,
        pytest.raises(SystemExit, match="is being restored just now"),
    ):
        ready_to_serve(app)
