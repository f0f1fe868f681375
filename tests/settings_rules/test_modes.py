"""The demo's passwords are public: nothing becomes it by forgetting a setting, and it stays on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import SettingsError, load_settings
from launch.checks import lock_data_dir
from tests.servers.ports import port_run
from tests.servers.processes import ROOT
from tests.settings_rules.environ import demo, production

BOTH = "Set it to production to run Rollcall for real, or to demo to try it on this machine"


def note(folder: Path, **changes: object) -> None:
    """What a ``make run`` writes down that uses ``folder``."""
    known = {"mode": "demo", "port": 8400, "database_url": None, "redis_url": f"unix://{folder}/redis.sock"}
    (folder / "running.json").write_text(json.dumps(known | changes))


@pytest.mark.parametrize(
    "program",
    [
        ["-m", "gunicorn", "--config", "gunicorn.conf.py", "wsgi:serving()"],
        ["worker.py"],
        ["worker.py", "schedule"],
        ["-m", "flask", "account", "list"],
    ],
    ids=["web", "worker", "scheduler", "command"],
)
def test_A4_nothing_starts_by_hand_without_a_mode(program: list[str], tmp_path: Path) -> None:
    """Beside the note of a make run that was killed, too; a server not even beside one that lives."""
    note(tmp_path)
    environ = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": "postgresql://db/people",
    }
    with lock_data_dir(tmp_path):
        ended = subprocess.run(
            [sys.executable, *program],
            cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"ROLLCALL_MODE is not set. {BOTH}")
    assert ended.stderr.count("\n") == 1
    assert ended.stdout == ""
    assert not (tmp_path / "secret_key").exists()


def test_A4_flask_run_serves_nothing(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "flask", "run", "--host", "0.0.0.0", "--port", "1"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path), "ROLLCALL_MODE": "demo"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "flask run does not serve Rollcall. Start the demo with make run, or gunicorn" in ended.stderr


def test_A4_a_command_beside_a_make_run_that_lives_needs_no_setting(tmp_path: Path) -> None:
    environ = {"DATA_DIR": str(tmp_path)}
    note(tmp_path)
    with pytest.raises(SettingsError, match=r"^ROLLCALL_MODE is not set"):
        load_settings(environ, command=True)  # it was killed and left its note
    with lock_data_dir(tmp_path):
        settings = load_settings(environ, command=True)
        assert (settings.mode, settings.port) == ("demo", 8400)
        assert settings.redis_url == f"unix://{tmp_path}/redis.sock"
        with pytest.raises(SettingsError, match=r"^ROLLCALL_MODE is not set"):
            load_settings(environ)
    with pytest.raises(SettingsError, match=r"^ROLLCALL_MODE is not set"):
        load_settings(environ, command=True)


def test_A4_a_command_upon_what_a_make_run_has_left_hears_which_variable_to_set(tmp_path: Path) -> None:
    """It is not taken for the demo's unasked: it may be meant for production, whose settings are not there."""
    with lock_data_dir(tmp_path):
        pass
    environ = {"PATH": os.environ["PATH"], "DATA_DIR": str(tmp_path)}
    words = [sys.executable, "-m", "flask", "restore", str(tmp_path / "backup.db")]
    ended = subprocess.run(
        words, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert ended.stderr.startswith(
        f"ROLLCALL_MODE is not set. No make run is running with DATA_DIR {tmp_path}; for a command upon the data that "
        "one has left there, set ROLLCALL_MODE=demo as well."
    )
    said = subprocess.run(
        words, cwd=ROOT, env={**environ, "ROLLCALL_MODE": "demo"}, capture_output=True, text=True, timeout=120,
        check=False,
    ).stderr  # fmt: skip
    assert said.endswith(f"Error: There is no file {tmp_path / 'backup.db'}.\n")


@pytest.mark.parametrize(
    "changes",
    [{"DATABASE_URL": "postgresql://localhost/people"}, {"REDIS_URL": "redis://localhost/0"}],
    ids=["database", "queue"],
)
def test_A4_a_command_that_means_another_database_is_not_beside_it(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    note(tmp_path)
    with lock_data_dir(tmp_path), pytest.raises(SettingsError, match=r"^ROLLCALL_MODE is not set"):
        load_settings({"DATA_DIR": str(tmp_path), **changes}, command=True)


def test_A4_a_note_of_an_older_make_run_gives_no_mode(tmp_path: Path) -> None:
    note(tmp_path, mode=None)
    with lock_data_dir(tmp_path), pytest.raises(SettingsError, match=r"^ROLLCALL_MODE is not set"):
        load_settings({"DATA_DIR": str(tmp_path)}, command=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "https://rollcall.example.com"),
        ("PUBLIC_URL", "http://192.168.0.7:8000"),
        ("PUBLIC_URL", "http://0.0.0.0:8000"),
        ("PUBLIC_URL", "http://127.0.0.1.evil.example"),
        ("PUBLIC_URL", "http://localhost@evil.example"),
        ("PUBLIC_URL", "http://localhost:8000/app"),
        ("ALLOWED_HOSTS", "localhost, rollcall.example.com"),
        ("ALLOWED_HOSTS", "10.0.0.5"),
        ("DATABASE_URL", "postgresql://rollcall:secret@db/people?sslmode=verify-full"),
        ("DATABASE_URL", "postgresql://127.0.0.1/people?hostaddr=192.0.2.1"),
        ("REDIS_URL", "rediss://:secret@queue/0"),
    ],
)
def test_A4_the_demo_stays_on_this_machine(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name} names another .*set ROLLCALL_MODE=production"):
        demo(tmp_path, **{name: value})


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000", "http://localhost", "https://LOCALHOST:8443/", "http://[::1]:8000"]
)
def test_the_demo_is_reached_at_this_machines_own_addresses(tmp_path: Path, url: str) -> None:
    assert demo(tmp_path, PUBLIC_URL=url).public_url == url.lower().rstrip("/")


def test_A4_the_demo_listens_on_this_machine_alone(sqlite_url: str, tmp_path: Path) -> None:
    """However gunicorn was told where to listen: it looks at the sockets that it has."""
    with port_run() as port:
        ended = subprocess.run(
            [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "wsgi:serving()"],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "ROLLCALL_MODE": "demo",
                "DATA_DIR": str(tmp_path),
                "DATABASE_URL": sqlite_url,
                "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port} --bind 0.0.0.0:{port + 1}",
            },
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert ended.returncode == 1
    assert "so it listens on this machine alone and not on 0.0.0.0. Leave BIND unset, or" in ended.stderr


def test_A3_production_asks_how_many_proxies_there_are() -> None:
    for missing in (None, "", " "):
        with pytest.raises(
            SettingsError, match=r"^TRUSTED_PROXIES is missing.*0 when browsers reach it directly"
        ):
            production(TRUSTED_PROXIES=missing)
    assert production(TRUSTED_PROXIES="0").proxies == 0
