"""A SQLite database whose file is damaged: one sentence says so and what to do, and nothing begins upon it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from tests.actors import make_actor, make_contract
from tests.damaging import WAYS, damage_tables
from tests.servers.processes import ROOT
from tests.servers.stack import stack_environ
from tests.test_schema_version import PROGRAMS
from webapp.core import damage
from webapp.core.damage import refuse_damaged
from webapp.core.database import close_connections
from webapp.operations.startup import ready_to_serve

ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)

TO_DO = (
    "Stop everything that uses it, then go back to the newest backup: flask restore FILE (docs/backup.md). "
    "The damaged file is kept beside it."
)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def path(sqlite_url: str) -> Path:
    return Path(sqlite_url.removeprefix("sqlite:///"))


def is_the_sentence(said: str, path: Path) -> bool:
    return said.startswith(f"The database {path} is damaged (") and said.endswith(f"). {TO_DO}")


@ways
@pytest.mark.parametrize(
    "words",
    [
        ["sync", "status", "--json"],
        ["contract", "list"],
        ["restored"],
        ["db", "upgrade"],
        ["demo", "check"],
        ["demo", "seed"],
    ],
    ids=" ".join,
)
def test_a_command_says_so_in_one_sentence(
    app: Flask, path: Path, way: Callable[[Path], None], words: list[str]
) -> None:
    make_contract(app, "acme")
    close_connections(app)
    way(path)
    ended = app.test_cli_runner().invoke(args=words)
    assert (ended.exit_code, ended.stdout) == (3, ""), ended.exc_info
    assert ended.stderr.startswith("Error: ")
    assert ended.stderr.count("\n") == 1
    assert is_the_sentence(ended.stderr.removeprefix("Error: ").strip(), path)


@ways
def test_no_backup_is_made_of_it(app: Flask, path: Path, tmp_path: Path, way: Callable[[Path], None]) -> None:
    way(path)
    ended = app.test_cli_runner().invoke(args=["backup", str(tmp_path / "backup.db")])
    assert ended.exit_code in (1, 3)
    assert TO_DO in ended.stderr
    assert not (tmp_path / "backup.db").exists()


@ways
def test_nothing_serves_it(app: Flask, path: Path, way: Callable[[Path], None]) -> None:
    way(path)
    with pytest.raises(SystemExit) as refused:
        ready_to_serve(app)
    assert is_the_sentence(str(refused.value), path)


@pytest.mark.parametrize("program", PROGRAMS, ids=["web", "worker", "scheduler"])
def test_each_program_ends_with_the_sentence(
    sqlite_url: str, path: Path, redis_url: str, tmp_path: Path, program: list[str]
) -> None:
    damage_tables(path, "users")
    path.chmod(0o600)  # else that is said as well
    environ = stack_environ(
        8000, tmp_path, {"ROLLCALL_MODE": "demo", "DATABASE_URL": sqlite_url, "REDIS_URL": redis_url}
    )
    ended = subprocess.run(
        [sys.executable, *program],
        cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert is_the_sentence(ended.stderr.strip(), path)


def test_a_page_that_meets_with_it_says_that_the_database_cannot_be_reached(
    app: Flask, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    contract = make_contract(app, "acme")
    actor = make_actor(app, contract, "administrator")
    assert actor.get("/c/acme/users").status_code == 200
    close_connections(app)
    damage_tables(path, "teams")
    answer = actor.get("/c/acme/structure")
    assert answer.status_code == 503
    assert "Traceback" not in answer.text
    (record,) = [one for one in caplog.records if one.name == "webapp.web.errors"]
    assert record.message.startswith(f"The database {path} is damaged (")
    assert record.exc_info is not None  # the full story is for the log


def test_a_whole_one_and_one_that_is_not_there_are_no_reason(
    sqlite_url: str, path: Path, tmp_path: Path
) -> None:
    refuse_damaged(sqlite_url)
    refuse_damaged(f"sqlite:///{tmp_path}/new.db")
    assert not (tmp_path / "new.db").exists()
    refuse_damaged("postgresql+psycopg://127.0.0.1:9/x")


def test_a_large_one_is_looked_at_for_a_moment_only(
    sqlite_url: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damage_tables(path, "users")
    monkeypatch.setattr(damage, "LOOKS_FOR", -1.0)
    monkeypatch.setattr(damage, "STEPS", 1)
    refuse_damaged(sqlite_url)
