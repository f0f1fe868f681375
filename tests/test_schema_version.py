"""A database of another version: nothing begins upon it, and one sentence says what to do (B5)."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import flask_migrate
import pytest
import sqlalchemy as sa
from flask import Flask

from tests.servers.postgres import Postgres
from tests.servers.processes import ROOT
from tests.servers.stack import stack_environ
from webapp.core.database import writing
from webapp.core.models import db
from webapp.core.schema_version import newest, versions
from webapp.operations.startup import ready_to_serve

both = pytest.mark.parametrize("database_url", ["sqlite", "postgres_owner"], indirect=True)

OLDER = "The database is of an older version of Rollcall. Make a backup, then run: flask db upgrade."
NEWER = (
    "The database was made by a newer version of Rollcall (9999; this one knows {newest}). Install that version, or "
    "restore a backup that this one made."
)
PROGRAMS = [["-c", "import wsgi; wsgi.serving()"], ["worker.py"], ["worker.py", "schedule"]]


def of_version(app: Flask, version: str) -> None:
    with app.app_context(), writing(), db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :it"), {"it": version})


def sentence(version: str) -> str:
    return OLDER if version == "0067" else NEWER.format(newest=", ".join(newest()))


@both
@pytest.mark.parametrize("version", ["0067", "9999"])
def test_B5_nothing_serves_the_database_of_another_version(app: Flask, version: str) -> None:
    of_version(app, version)
    with pytest.raises(SystemExit) as refused:
        ready_to_serve(app)
    assert str(refused.value) == sentence(version)


@both
@pytest.mark.parametrize("version", ["0067", "9999"])
@pytest.mark.parametrize(
    "words",
    [
        ["contract", "list"],
        ["account", "list"],
        ["account", "set-email", "a@example.com", "b@example.com"],
        ["sync", "status"],
        ["credentials", "rotate"],
        ["database", "role"],
        ["demo", "seed"],
    ],
    ids=" ".join,
)
def test_B5_no_command_works_on_it(app: Flask, version: str, words: list[str]) -> None:
    of_version(app, version)
    ended = app.test_cli_runner().invoke(args=words)
    assert (ended.exit_code, ended.output) == (3, f"Error: {sentence(version)}\n")


@both
def test_B5_migrating_does_not_go_on_from_a_newer_version(app: Flask) -> None:
    of_version(app, "9999")
    for words in (["db", "upgrade"], ["db", "downgrade"]):
        ended = app.test_cli_runner().invoke(args=words)
        assert (ended.exit_code, ended.output) == (3, f"Error: {sentence('9999')}\n")
    with app.app_context(), db.engine.connect() as connection:
        assert versions(connection) == {"9999"}


@both
def test_B5_after_migrating_it_serves(app: Flask) -> None:
    with app.app_context():
        flask_migrate.downgrade(str(ROOT / "migrations"), revision="0067")
    with pytest.raises(SystemExit, match="older version"):
        ready_to_serve(app)
    assert app.test_cli_runner().invoke(args=["db", "upgrade"]).exit_code == 0
    assert ready_to_serve(app) is app


@pytest.mark.parametrize("program", PROGRAMS, ids=["web", "worker", "scheduler"])
def test_B5_each_program_ends_with_the_sentence(
    sqlite_url: str, redis_url: str, tmp_path: Path, program: list[str]
) -> None:
    Path(sqlite_url.removeprefix("sqlite:///")).chmod(0o600)  # else that is said as well
    engine = sa.create_engine(sqlite_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    environ = stack_environ(
        8000, tmp_path, {"ROLLCALL_MODE": "demo", "DATABASE_URL": sqlite_url, "REDIS_URL": redis_url}
    )
    ended = subprocess.run(
        [sys.executable, *program],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr == f"{sentence('9999')}\n"


def test_two_machines_that_migrate_at_once_both_succeed(
    postgres: Postgres, redis_url: str, tmp_path: Path
) -> None:
    name = postgres.create()
    changes = {
        "ROLLCALL_MODE": "demo",
        "DATABASE_URL": postgres.url_of(name),
        "REDIS_URL": redis_url,
        "PATH": os.environ["PATH"],
    }

    def migrate(number: int) -> subprocess.CompletedProcess[str]:
        environ = stack_environ(8000, tmp_path / str(number), changes)
        return subprocess.run(
            [sys.executable, "-m", "flask", "db", "upgrade"],
            cwd=ROOT,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )

    try:
        with ThreadPoolExecutor(3) as machines:
            ended = list(machines.map(migrate, range(3)))
        assert [one.returncode for one in ended] == [0, 0, 0], "\n".join(one.stderr for one in ended)
        engine = sa.create_engine(postgres.url_of(name).replace("postgresql://", "postgresql+psycopg://"))
        with engine.connect() as connection:
            assert versions(connection) == newest()
        engine.dispose()
    finally:
        postgres.drop(name)
