"""The environment file and the README name exactly the settings that the code reads."""

from __future__ import annotations

import ast
import re
import secrets
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from cryptography.fernet import Fernet

from config import load_settings
from tests.servers.processes import ROOT

# Read by gunicorn and flask themselves.
BY_OTHERS = {"FORWARDED_ALLOW_IPS", "FLASK_APP"}
# What the README has no line for in its table: see "Run it for real" there.
NOT_IN_TABLE = {"FLASK_APP", "FLASK_DEBUG"}
NAME = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
ENV_FILES = [ROOT / "deploy/rollcall.env", ROOT / "deploy/migrate.env"]


def read_by(path: Path) -> Iterator[str]:
    """The names of environment variables that a module asks for."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            parts = [node.func.value] if isinstance(node.func, ast.Attribute) else []
            asked = [*parts, *node.args]
        elif isinstance(node, ast.Subscript):
            asked = [node.value, node.slice]
        else:
            continue
        # In webapp/ ``environ`` alone is that of a request.
        names = ("os.environ",) if "webapp" in path.parts else ("environ", "os.environ")
        if any(ast.unparse(part) in names for part in asked):
            for part in asked:
                if (
                    isinstance(part, ast.Constant)
                    and isinstance(part.value, str)
                    and NAME.fullmatch(part.value)
                ):
                    yield part.value


@cache
def settings_read() -> set[str]:
    modules = [ROOT / name for name in ("config.py", "gunicorn.conf.py", "worker.py", "wsgi.py")]
    modules += [*(ROOT / "webapp").rglob("*.py"), *(ROOT / "settings_rules").rglob("*.py")]
    return {name for path in modules for name in read_by(path)} | BY_OTHERS


def settings_listed() -> list[str]:
    text = "\n".join(path.read_text(encoding="utf-8") for path in ENV_FILES)
    return re.findall(r"^#?([A-Z][A-Z0-9_]*)=", text, re.MULTILINE)


def test_the_environment_file_has_every_setting_once() -> None:
    listed = settings_listed()
    assert len(settings_read()) > 40
    assert sorted(listed) == sorted(settings_read())


def test_the_readme_has_every_setting() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in readme.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([A-Z][A-Z0-9_]*)`", row)}
    assert named == settings_read() - NOT_IN_TABLE


def test_each_line_of_the_environment_file_means_the_same_to_systemd_and_to_a_shell() -> None:
    for path in ENV_FILES:
        for line in path.read_text(encoding="utf-8").splitlines():
            assert re.fullmatch(r"|# .*|#?[A-Z][A-Z0-9_]*='[^'\\]*'", line), line


def test_production_starts_with_the_environment_file_once_its_secrets_are_filled_in() -> None:
    environ = dict(re.findall(r"^([A-Z][A-Z0-9_]*)='(.*)'$", ENV_FILES[0].read_text(), re.MULTILINE))
    environ["SECRET_KEY"] = secrets.token_urlsafe(48)
    environ["CREDENTIAL_KEYS"] = Fernet.generate_key().decode()
    settings = load_settings(environ)
    assert (settings.mode, settings.proxies) == ("production", 1)
    assert "MIGRATIONS_DATABASE_URL" not in environ
