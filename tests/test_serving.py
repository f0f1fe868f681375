"""What must hold before a process begins to serve."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

import config
import webapp
from settings_rules.private_data import database_files
from tests.servers.processes import ROOT
from tests.settings_rules.environ import production_environ
from webapp.core.models import db
from webapp.operations.startup import ready_to_serve


@pytest.fixture
def settings(sqlite_url: str, redis_url: str, tmp_path: Path) -> config.Settings:
    return config.test_settings(database_url=sqlite_url, redis_url=redis_url, data_dir=tmp_path)


@pytest.fixture
def build(settings: config.Settings) -> Iterator[Callable[..., Flask]]:
    """``build(mode="production")``: the application upon the same database in that mode."""
    apps = []

    def build(**changes: object) -> Flask:
        apps.append(webapp.create_app(replace(settings, **changes)))  # type: ignore[arg-type]
        return apps[-1]

    yield build
    for app in apps:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def flask(app: Flask, *words: str) -> str:
    ended = app.test_cli_runner().invoke(args=list(words))
    assert ended.exit_code == 0, ended.output
    return ended.output


def test_a_fresh_production_database_may_serve_and_has_no_account(build: Callable[..., Flask]) -> None:
    app = build(mode="production")
    assert ready_to_serve(app) is app
    assert "no account yet" in flask(app, "account", "list")


def test_production_does_not_serve_a_database_with_demo_accounts(build: Callable[..., Flask]) -> None:
    demo, production = build(mode="demo"), build(mode="production")
    flask(demo, "demo", "seed")
    assert ready_to_serve(demo) is demo

    with pytest.raises(SystemExit, match="demo accounts, whose password is public") as refused:
        ready_to_serve(production)
    assert "flask demo close-accounts" in str(refused.value)

    flask(production, "demo", "close-accounts")
    assert ready_to_serve(production) is production


def test_production_makes_no_demo_accounts(build: Callable[..., Flask]) -> None:
    app = build(mode="production")
    ended = app.test_cli_runner().invoke(args=["demo", "seed"])
    assert ended.exit_code == 1
    assert "production refuses them" in ended.output
    assert "no contract yet" in flask(app, "contract", "list")


def test_the_sign_in_page_names_demo_accounts_in_the_demo_alone(build: Callable[..., Flask]) -> None:
    shown = {mode: build(mode=mode).test_client().get("/sign-in").text for mode in ("demo", "production")}
    assert "rollcall-demo-2026" in shown["demo"]
    assert "demo" not in shown["production"]


def test_without_tables_it_says_what_to_run(build: Callable[..., Flask], tmp_path: Path) -> None:
    for url in (
        f"sqlite:///{tmp_path}/new.db",
        f"sqlite:///{tmp_path}/missing/new.db",
        "postgresql+psycopg://127.0.0.1:9/x",
    ):
        with pytest.raises(
            SystemExit, match=r"The database cannot be used yet .* flask db upgrade"
        ) as refused:
            ready_to_serve(build(database_url=url))
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "program", [["-c", "import wsgi; wsgi.serving()"], ["worker.py"], ["worker.py", "schedule"]]
)
def test_no_program_serves_demo_accounts_in_production(
    build: Callable[..., Flask], settings: config.Settings, program: list[str], tmp_path: Path
) -> None:
    flask(build(mode="demo"), "demo", "seed")
    for path in database_files(settings.database_url):  # else that is said as well
        if path.exists():
            path.chmod(0o600)
    ended = subprocess.run(
        [sys.executable, *program],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]}
        | production_environ(
            DATABASE_URL=settings.database_url, REDIS_URL=settings.redis_url, DATA_DIR=str(tmp_path)
        ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("This database holds demo accounts, whose password is public.")
    assert ended.stderr.count("\n") == 1
