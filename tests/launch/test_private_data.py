"""Whatever was open to others in DATA_DIR is closed at every start; what belongs to somebody else is refused."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from settings_rules.private_data import close_to_others, database_files, told
from tests.servers.processes import ROOT
from tests.servers.stack import stack_environ

ME = pwd.getpwuid(os.geteuid()).pw_name
FILES = (
    "rollcall.db",
    "rollcall.db-wal",
    "rollcall.db-shm",
    "secret_key",
    "credential_keys",
    "running.json",
    "log/web.log",
    "log/web.log.1",
    "sandbox/intercom/state.json",
    "backups/rollcall-2026-11-30.db",
)


def lay(folder: Path, mode: int = 0o644) -> Path:
    """A DATA_DIR that anybody may read, as an umask of 022 makes it."""
    for name in FILES:
        path = folder / name
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        path.touch()
        path.chmod(mode)
    folder.chmod(0o755)
    return folder


def open_to_others(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder)) for path in (folder, *folder.rglob("*")) if path.stat().st_mode & 0o077
    )


def somebody_elses(tmp_path: Path) -> tuple[Path, str]:
    """A folder that belongs to another user, and that user's name."""
    if os.geteuid() != 0:
        return Path("/etc"), "root"
    folder = tmp_path / "theirs"
    folder.mkdir(mode=0o777)
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return folder, "nobody"


def run(data_dir: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environ = stack_environ(0, data_dir, {"PORT": "18290", "ROLLCALL_MODE": "demo"})
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_A17_all_that_was_open_is_closed_and_named(tmp_path: Path) -> None:
    folder = lay(tmp_path / "var")
    closed = close_to_others(folder, database_files(f"sqlite:///{folder}/rollcall.db"))
    assert open_to_others(folder) == []
    assert {str(path.relative_to(folder)) for path in closed} == {
        *FILES, ".", "log", "sandbox", "sandbox/intercom", "backups",
    }  # fmt: skip
    assert told(closed) == (
        f"Others on this machine could look into {folder}, {folder / 'rollcall.db'}, {folder / 'rollcall.db-shm'} "
        f"and {len(closed) - 3} more; now only {ME} can"
    )
    assert close_to_others(folder, []) == []


def test_A17_what_an_owner_may_do_stays(tmp_path: Path) -> None:
    folder = lay(tmp_path / "var", 0o574)
    close_to_others(folder, [])
    assert (folder / "secret_key").stat().st_mode & 0o777 == 0o500
    assert folder.stat().st_mode & 0o777 == 0o700


def test_A17_what_is_not_rollcalls_stays_as_it_is(tmp_path: Path) -> None:
    """Such as a home folder, or /tmp, as DATA_DIR."""
    folder = lay(tmp_path / "home")
    (folder / "letters").mkdir(mode=0o755)
    (folder / "letters" / "a.txt").touch(0o644)
    closed = close_to_others(folder, [])
    assert folder not in closed
    assert open_to_others(folder) == [".", "letters", "letters/a.txt"]


def test_A17_what_is_behind_a_link_stays_but_for_the_database(tmp_path: Path) -> None:
    elsewhere = lay(tmp_path / "elsewhere")
    folder = tmp_path / "var"
    folder.mkdir()
    for name in ("log", "secret_key", "rollcall.db"):
        (folder / name).symlink_to(elsewhere / name)
    closed = close_to_others(folder, database_files(f"sqlite:///{folder}/rollcall.db"))
    assert closed == [folder, folder / "rollcall.db"]
    assert set(open_to_others(elsewhere)) == {
        *FILES, ".", "log", "sandbox", "sandbox/intercom", "backups",
    } - {"rollcall.db"}  # fmt: skip


def test_A17_a_database_elsewhere_is_closed_with_what_sqlite_lays_beside_it(tmp_path: Path) -> None:
    folder = lay(tmp_path / "elsewhere")
    closed = close_to_others(None, database_files(f"sqlite:///{folder}/rollcall.db?timeout=5"))
    assert [path.name for path in closed] == ["rollcall.db", "rollcall.db-wal", "rollcall.db-shm"]
    assert folder.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("url", ["postgresql+psycopg://db/rollcall", "sqlite:///:memory:", "sqlite:///"])
def test_only_sqlite_has_files(url: str) -> None:
    assert database_files(url) == []


@pytest.mark.parametrize(
    "command", [["-m", "flask", "account", "list"], ["worker.py"]], ids=["a command", "a worker"]
)
def test_A17_every_program_closes_what_is_open_and_says_so(tmp_path: Path, command: list[str]) -> None:
    folder = tmp_path / "var"
    folder.mkdir(mode=0o755)
    (folder / "rollcall.db").touch(0o644)
    ended = run(folder, *command)
    assert open_to_others(folder) == []
    assert {"secret_key", "credential_keys"} <= {path.name for path in folder.iterdir()}
    assert (
        f"Others on this machine could look into {folder} and {folder / 'rollcall.db'}; now only "
        in ended.stderr
    )


def test_A17_a_command_that_makes_the_folder_makes_it_private(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "var"
    ended = run(folder, "-m", "flask", "account", "list")
    assert (folder / "rollcall.db").exists(), ended
    assert open_to_others(folder) == []


@pytest.mark.parametrize(
    "command", [["-m", "flask", "account", "list"], ["-m", "launch"]], ids=["flask", "make run"]
)
def test_A17_a_folder_of_somebody_else_is_refused(tmp_path: Path, command: list[str]) -> None:
    folder, owner = somebody_elses(tmp_path)
    before = set(folder.iterdir())
    ended = run(folder, *command)
    assert ended.returncode == 1, ended
    assert ended.stderr.removeprefix("rollcall: ").startswith(
        f"DATA_DIR {folder} belongs to {owner}, and this runs as {ME}. Run it as {owner}, or set DATA_DIR to a "
    )
    assert set(folder.iterdir()) == before
