"""What keeps ``make run`` from starting: one line that says what to do, and nothing is left running."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from launch.checks import lock_data_dir
from launch.errors import LaunchError
from launch.redis_server import private_folder
from tests.damaging import WAYS
from tests.servers.ports import port_run
from tests.servers.processes import ROOT
from tests.servers.stack import stack_environ


def refusal(data_dir: Path, port: int | str, *, begun: bool = False, before: str = "", **changes: str) -> str:
    """The only complaint before the launcher ends with exit code 1; ``before``: what it says first, all of it
    unless it had ``begun``.
    """
    environ = stack_environ(0, data_dir, changes | {"PORT": str(port)})
    ended = subprocess.run(
        [sys.executable, "-m", "launch"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1, ended
    assert begun or ended.stdout == before
    assert ended.stderr.startswith("rollcall: ")
    assert ended.stderr.count("\n") == 1
    assert not (data_dir / "running.json").exists()
    return ended.stderr.removeprefix("rollcall: ").strip()


@contextmanager
def listening(port: int) -> Iterator[None]:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        yield


def test_the_port_is_in_use(tmp_path: Path) -> None:
    with port_run() as port, listening(port):
        assert refusal(tmp_path / "var", port) == (
            f"port {port} is in use. Stop the program that uses it, or choose another: make run PORT=9000"
        )


def test_the_port_of_the_sandbox_is_in_use(tmp_path: Path) -> None:
    with port_run() as port, listening(port + 1):
        assert refusal(tmp_path / "var", port).startswith(
            f"port {port + 1} (PORT + 1, for the sandbox of Intercom) is in use."
        )


@pytest.mark.parametrize("port", ["eighty", "0", "65534"])
def test_the_port_is_nonsense(tmp_path: Path, port: str) -> None:
    assert refusal(tmp_path / "var", port).startswith(f"PORT is “{port}”.")


@pytest.mark.parametrize("place", ["a file", "a file/below", "/proc", "/proc/sys/here"])
def test_the_data_dir_cannot_be_written(tmp_path: Path, place: str) -> None:
    (tmp_path / "a file").touch()
    data_dir = tmp_path / place
    with port_run() as port:
        said = refusal(data_dir, port)
    if place == "/proc" and os.geteuid() != 0:
        assert said.startswith("DATA_DIR /proc belongs to root, and this runs as ")
        return
    assert said.startswith(f"DATA_DIR {data_dir.resolve()} cannot be written (")
    assert said.endswith("make run DATA_DIR=/path/of/yours")


def test_another_one_uses_the_data_dir(tmp_path: Path) -> None:
    with port_run() as port, lock_data_dir(tmp_path):
        assert refusal(tmp_path, port).startswith(
            f"another make run uses DATA_DIR {tmp_path}. Stop it first, or "
        )


def test_a_lock_that_a_dead_launcher_left_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "launch.lock").write_text("999999999")
    with lock_data_dir(tmp_path):
        assert (tmp_path / "launch.lock").read_text() == str(os.getpid())


def test_the_redis_that_was_named_does_not_answer(tmp_path: Path) -> None:
    with port_run() as port:
        said = refusal(
            tmp_path,
            port,
            before=f"Starting Rollcall; data and logs are in {tmp_path}\n",  # asking takes seconds
            REDIS_URL=f"redis://:quite-secret@127.0.0.1:{port + 2}/0",
        )
    assert said.startswith(f"REDIS_URL redis://127.0.0.1:{port + 2}/0 does not answer (")
    assert "quite-secret" not in said


def test_B5_the_database_is_of_a_newer_version(tmp_path: Path, sqlite_url: str) -> None:
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    with port_run() as port:
        said = refusal(tmp_path / "var", port, begun=True, DATABASE_URL=sqlite_url)
    assert said.startswith("The database was made by a newer version of Rollcall (9999; ")


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_the_database_is_damaged(tmp_path: Path, sqlite_url: str, way: Callable[[Path], None]) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    way(path)
    with port_run() as port:
        said = refusal(tmp_path / "var", port, begun=True, DATABASE_URL=sqlite_url)
    assert said.startswith(f"The database {path} is damaged (")
    assert said.endswith("The damaged file is kept beside it.")


def test_A4_the_database_is_that_of_somebody_who_runs_it_for_real(tmp_path: Path, sqlite_url: str) -> None:
    """Of an older version, too: the demo does not even migrate it."""
    path = sqlite_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "INSERT INTO contracts (id, slug, name, time_zone, licences, created_at) "
            "VALUES (1, 'acme', 'Acme', 'UTC', 5, '2026-11-24 10:00:00.000000')"
        )
        database.execute("UPDATE alembic_version SET version_num = '0079'")
    with port_run() as port:
        said = refusal(tmp_path / "var", port, begun=True, DATABASE_URL=sqlite_url)
    assert said.startswith("This database was not made by the demo: it holds contracts or accounts")
    assert "Unset DATABASE_URL" in said
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM accounts").fetchone() == (0,)
        assert database.execute("SELECT version_num FROM alembic_version").fetchone() == ("0079",)


def test_production_is_not_started_by_the_launcher(tmp_path: Path) -> None:
    with port_run() as port:
        assert "unset ROLLCALL_MODE" in refusal(tmp_path, port, ROLLCALL_MODE="production")


def test_the_folder_of_the_socket_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "redis"
    folder.mkdir(mode=0o755)
    private_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_link_in_place_of_the_private_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "redis").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LaunchError, match="belongs to someone else"):
        private_folder(tmp_path / "redis")
