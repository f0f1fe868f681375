"""What takes long says that it goes on, and shows all it said only when it has failed. The commands are real."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from launch import progress
from tests.servers.processes import ROOT

WAITING = "import pathlib, sys, time\nwhile not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.02)\n"


def test_it_says_what_goes_on_and_what_was_said_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command goes on when the first line about it was said, and ends when one names its own last line."""
    first, second = tmp_path / "first", tmp_path / "second"
    told: list[str] = []

    def hear(text: str, **_how: object) -> None:
        told.append(text)
        (second if text.endswith("Collecting alembic") else first).touch()

    monkeypatch.setattr(progress, "TELL_EVERY", 0.1)
    monkeypatch.setattr("builtins.print", hear)
    script = f"{WAITING}print('Collecting alembic', flush=True)\n{WAITING.replace('argv[1]', 'argv[2]')}"
    assert progress.main(["installing packages", sys.executable, "-c", script, str(first), str(second)]) == 0
    assert told[0].startswith("  still installing packages (")
    assert told[0].endswith(" s): nothing said yet")
    assert told[-1].endswith(" s): Collecting alembic")


def test_a_command_that_succeeds_says_nothing_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    assert progress.main(["looking", sys.executable, "-c", "print('noise')"]) == 0
    assert capfd.readouterr() == ("", "")


def test_a_command_that_fails_shows_its_last_lines(capfd: pytest.CaptureFixture[str]) -> None:
    script = "import sys\nfor number in range(30): print('line', number)\nprint('why', file=sys.stderr)\nsys.exit(7)"
    assert progress.main(["looking", sys.executable, "-u", "-c", script]) == 7
    said, complained = capfd.readouterr()
    assert said == ""
    assert complained.splitlines()[0] == "line 11"
    assert complained.splitlines()[-1] == "why"


def test_a_command_that_is_not_there(capfd: pytest.CaptureFixture[str]) -> None:
    assert progress.main(["looking", "/no/such/program"]) == 127
    assert (
        capfd.readouterr().err == "rollcall: /no/such/program cannot be started (No such file or directory)\n"
    )


PYTHON = Path(sysconfig.get_config_var("BINDIR")) / f"python{sysconfig.get_python_version()}"


def test_the_environment_is_made_and_its_packages_are_installed(tmp_path: Path) -> None:
    wheel = tmp_path / "index" / "tiny-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr(
            "tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    said = prepare(tmp_path, PYTHON, f"tiny==1.0 --hash=sha256:{digest}\n")
    assert said.returncode == 0, said
    assert [line for line in said.stdout.splitlines() if not line.startswith("  still ")] == [
        f"Preparing the Python environment in {tmp_path / 'venv'} ...",
        f"Installing the packages of {tmp_path / 'packages.txt'} (1) ...",
    ]
    assert (tmp_path / "stamp").exists()
    assert list((tmp_path / "venv").rglob("tiny.py"))

    said = prepare(
        tmp_path, PYTHON, f"tiny==1.0 --hash=sha256:{'0' * 64}\nother==1.0 --hash=sha256:{digest}\n"
    )
    assert said.returncode == 1
    assert "No matching distribution found for other==1.0" in said.stderr
    assert said.stderr.splitlines()[-1].startswith(
        f"rollcall: the packages of {tmp_path / 'packages.txt'} could not be installed (see above)."
    )


def test_a_python_that_is_too_old_is_refused_after_the_first_line(tmp_path: Path) -> None:
    old = tmp_path / "python-old"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.9.2\nexit 1\n')
    old.chmod(0o755)
    said = prepare(tmp_path, old, "")
    assert said.stdout == f"Preparing the Python environment in {tmp_path / 'venv'} ...\n"
    assert said.stderr == (
        f"rollcall: {old} is Python 3.9.2, but 3.11 or newer is needed. Name another: make PYTHON=python3.12 run\n"
    )
    assert not (tmp_path / "stamp").exists()


def prepare(folder: Path, python: Path, packages: str) -> subprocess.CompletedProcess[str]:
    """``launch/environment.sh`` with an empty index."""
    (folder / "packages.txt").write_text(packages)
    (folder / "index").mkdir(exist_ok=True)
    return subprocess.run(
        ["sh", "launch/environment.sh", folder / "venv", folder / "packages.txt", folder / "stamp"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHON": str(python),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(folder / "index"),
            "PIP_CONFIG_FILE": os.devnull,
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
