"""The systemd units: systemd itself reads them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.processes import ROOT

DEPLOY = ROOT / "deploy"
SERVICES = sorted(path.name for path in DEPLOY.glob("*.service"))


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units as they are, but for where the programs and the documents are."""
    programs = Path(sys.executable).parent
    for path in [*DEPLOY.glob("*.service"), *DEPLOY.glob("*.target")]:
        text = path.read_text().replace("/opt/rollcall/.venv/bin", str(programs))
        (tmp_path / path.name).write_text(text.replace("file:///opt/rollcall", f"file://{ROOT}"))
    return tmp_path


def analyze(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *map(str, words)], capture_output=True, text=True, check=False, timeout=60
    )


def test_systemd_finds_nothing_wrong(units: Path) -> None:
    assert SERVICES == [
        "rollcall-migrate.service",
        "rollcall-scheduler.service",
        "rollcall-web.service",
        "rollcall-worker@.service",
    ]
    ended = analyze("verify", *units.iterdir())
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_systemd_finds_what_is_wrong(units: Path) -> None:
    """A check that finds nothing must be able to find something."""
    (units / "rollcall-web.service").write_text("[Service]\nExecStart=/nowhere/gunicorn\nRestrat=always\n")
    said = analyze("verify", units / "rollcall-web.service").stderr
    assert "Restrat" in said
    assert "/nowhere/gunicorn" in said


@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_gives_its_processes_next_to_nothing(units: Path, name: str) -> None:
    ended = analyze("security", "--offline=yes", "--threshold=20", units / name)
    assert ended.returncode == 0, ended.stdout  # exposure of 2.0 at most, of 10


@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_has_a_user_of_its_own_and_comes_back(name: str) -> None:
    text = (DEPLOY / name).read_text()
    settings = re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)
    assert {
        ("User", "rollcall"),
        ("EnvironmentFile", "/etc/rollcall/rollcall.env"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
    } <= set(settings)
    if name != "rollcall-migrate.service":
        kept = {("Restart", "always"), ("KillMode", "mixed"), ("StartLimitIntervalSec", "0")}
        assert kept <= set(settings)
        assert "TimeoutStopSec" in dict(settings)
    assert ("migrate.env" in text) == (name == "rollcall-migrate.service")


def test_the_user_is_made_by_systemd(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    made = subprocess.run(
        ["systemd-sysusers", f"--root={tmp_path}", DEPLOY / "rollcall.sysusers"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert "rollcall:" in (tmp_path / "etc/passwd").read_text()


def test_a_command_gets_the_settings_and_only_db_those_of_the_owner(tmp_path: Path) -> None:
    place = tmp_path / "opt"
    (place / "deploy").mkdir(parents=True)
    (place / ".venv/bin").mkdir(parents=True)
    script = place / "deploy/rollcall"
    script.write_text((DEPLOY / "rollcall").read_text().replace("runuser -u rollcall --", "env"))
    flask = place / ".venv/bin/flask"
    flask.write_text('#!/bin/sh\necho "$* $PWD $PRODUCT_NAME ${MIGRATIONS_DATABASE_URL:-none}"\n')
    for path in (script, flask):
        path.chmod(0o755)
    (tmp_path / "rollcall.env").write_text("# a remark\nPRODUCT_NAME='Who is & here'\n")
    (tmp_path / "migrate.env").write_text("MIGRATIONS_DATABASE_URL='postgresql://owner'\n")
    for words, owner in ((["contract", "list"], "none"), (["db", "upgrade"], "postgresql://owner")):
        said = subprocess.run(
            [script, *words],
            env={"PATH": os.environ["PATH"], "ROLLCALL_CONF": str(tmp_path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert said == f"{' '.join(words)} {place} Who is & here {owner}\n"
