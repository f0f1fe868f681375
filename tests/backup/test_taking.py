"""``flask backup``: one whole file of one moment, while everything goes on (B6)."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from click.testing import Result

from config import test_settings
from tests.backup.conftest import Product
from tests.sync.office import open_office
from tests.sync.people import person
from webapp.core.release import VERSION
from webapp.core.schema_version import newest
from webapp.operations.backup.manifest import digest_of, read


def count(path: Path, what: str) -> int:
    with closing(sqlite3.connect(path)) as database:
        return int(database.execute(f"SELECT count(*) FROM {what}").fetchone()[0])


def test_B6_a_backup_holds_what_a_copy_of_the_file_lacks(
    product: Product, database: Path, tmp_path: Path
) -> None:
    with product.running() as app:
        office = open_office(app)
        office.sync(*(person(str(n), f"Person {n}", f"p{n}@example.com") for n in range(30)))
        shutil.copy(database, tmp_path / "copy.db")
        said = product.flask("backup", tmp_path / "backup.db")
    assert said.exit_code == 0, said.output
    assert "Keep CREDENTIAL_KEYS and SECRET_KEY" in said.output
    assert count(tmp_path / "backup.db", "users") == 30
    assert count(tmp_path / "copy.db", "users") < 30  # the rest is in the log beside it


def test_B6_what_is_written_meanwhile_is_there_whole_or_not_at_all(
    product: Product, database: Path, tmp_path: Path
) -> None:
    """Each transaction adds two rows; every backup taken meanwhile has an even number of them."""
    with closing(sqlite3.connect(database)) as setup:
        setup.execute("CREATE TABLE pairs (id INTEGER PRIMARY KEY)")
    done = threading.Event()
    written = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(database, timeout=30, isolation_level=None)) as writer:
            while not done.is_set():
                writer.execute("BEGIN IMMEDIATE")
                writer.execute("INSERT INTO pairs DEFAULT VALUES")
                writer.execute("INSERT INTO pairs DEFAULT VALUES")
                writer.execute("COMMIT")
                written.set()

    writing = threading.Thread(target=write)
    writing.start()
    written.wait()
    try:
        results = [product.flask("backup", tmp_path / f"{number}.db") for number in range(3)]
    finally:
        done.set()
        writing.join()
    assert [result.exit_code for result in results] == [0, 0, 0]
    rows = [count(tmp_path / f"{number}.db", "pairs") for number in range(3)]
    assert all(number > 0 and number % 2 == 0 for number in rows)


def test_B6_a_backup_is_for_its_owner_and_says_what_it_is(product: Product, tmp_path: Path) -> None:
    target = tmp_path / "backup.db"
    assert product.flask("backup", target).exit_code == 0
    assert target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == ["backup.db"]
    about = read(target)
    (key,) = product.settings.credential_keys
    assert (about.release, about.versions, about.keys) == (VERSION, sorted(newest()), [digest_of(key)])
    assert key.encode() not in target.read_bytes()


def refused(result: Result) -> str:
    assert result.exit_code == 1, result.output
    return result.output


def test_B6_a_backup_replaces_nothing(product: Product, tmp_path: Path) -> None:
    (tmp_path / "there.db").write_text("precious")
    assert "is there already" in refused(product.flask("backup", tmp_path / "there.db"))
    assert (tmp_path / "there.db").read_text() == "precious"


def test_B6_what_cannot_be_written_is_said(product: Product, tmp_path: Path) -> None:
    assert "No backup was made (" in refused(product.flask("backup", tmp_path / "missing" / "backup.db"))


def test_B6_on_postgres_it_says_what_makes_backups_there(
    postgres_url: str, redis_url: str, tmp_path: Path
) -> None:
    product = Product(test_settings(database_url=postgres_url, redis_url=redis_url, data_dir=tmp_path))
    said = refused(product.flask("backup", tmp_path / "backup.db"))
    assert 'pg_dump --format=custom --file=rollcall.dump --dbname="$MIGRATIONS_DATABASE_URL"' in said
    assert "flask restored" in refused(product.flask("restore", tmp_path / "backup.db"))
