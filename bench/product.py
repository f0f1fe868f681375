"""The product upon one database, in this process: everything that is needed around what is measured."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import flask_migrate
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from bench.programs import ROOT, BenchError
from bench.workspace import Workspace
from config import load_settings
from webapp import create_app
from webapp.accounts.sign_in.demo_accounts import DEMO_ACCOUNTS, DEMO_PASSWORD
from webapp.core.credentials import unseal
from webapp.core.models import Integration, SyncRun, db
from webapp.integrations.user_sync import settings as user_sync
from webapp.platforms.intercom.connector import VERSION
from webapp.queue import wake
from webapp.sync.schedule.schedule import Requester

PLATFORM = "intercom"
BENCH = Requester(None, "bench")


@dataclass(frozen=True)
class Outcome:
    """How a run ended, in numbers of people."""

    state: str
    found: int
    imported: int
    renamed: int
    unchanged: int
    message: str


@contextmanager
def application(environ: Mapping[str, str]) -> Iterator[Flask]:
    """The application with ``environ`` as its environment; no connection stays open."""
    app = create_app(load_settings(environ))
    try:
        yield app
    finally:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


@contextmanager
def product(environ: Mapping[str, str]) -> Iterator[Flask]:
    """The application, in its context."""
    with application(environ) as app, app.app_context():
        yield app


def prepare(environ: Mapping[str, str], workspace: Workspace) -> None:
    """Tables, the demo contract, Intercom connected and User sync enabled, through the screens; a first run waits."""
    with product(environ) as app:
        flask_migrate.upgrade(str(ROOT / "migrations"))
        app.test_cli_runner().invoke(args=["demo", "seed"], catch_exceptions=False)
    with application(environ) as app:  # each page has a context of its own
        browser = signed_in(app)
        platform = f"/c/demo/integrations/platforms/{PLATFORM}"
        away = pressed(browser, f"{platform}/connect", site="us")
        code, state = workspace.consent(away)
        opened(browser, f"/integrations/{PLATFORM}/callback", code=code, state=state)
        pressed(browser, f"{platform}/user-sync/enable")


def signed_in(app: Flask) -> FlaskClient:
    """A browser in which the administrator of the demo contract has signed in."""
    app.config["WTF_CSRF_ENABLED"] = False  # forms are sent without having been opened
    browser = app.test_client()
    administrator = DEMO_ACCOUNTS[0].email
    pressed(browser, "/sign-in", email=administrator, password=DEMO_PASSWORD)
    return browser


def opened(browser: FlaskClient, path: str, **query: str) -> str:
    """The page at ``path``, or the address it sends on to. Raises :class:`BenchError` for an error page."""
    return _answered(browser.get(path, query_string=query), path)


def pressed(browser: FlaskClient, path: str, **fields: str) -> str:
    """Send a form; the address it sends on to. Raises :class:`BenchError` for an error page."""
    return _answered(browser.post(path, data=fields), path)


def _answered(answer: TestResponse, path: str) -> str:
    if answer.status_code >= 400:
        raise BenchError(f"{path} answered HTTP {answer.status_code}: {_words(answer.text)}")
    return answer.headers.get("Location") or answer.text


def request_headers(environ: Mapping[str, str]) -> dict[str, str]:
    """The headers that the product sends to Intercom."""
    with product(environ):
        token = unseal(_integration())
    return headers_for(token["access_token"])


def headers_for(token: str) -> dict[str, str]:
    """The headers that the product sends to Intercom with ``token``."""
    return {
        "Authorization": f"Bearer {token}",
        "Accept": "application/json",
        "Intercom-Version": VERSION,
    }


def request_run(environ: Mapping[str, str]) -> int:
    """Put a run into the queue; its id."""
    with product(environ):
        run = user_sync.sync_now(_integration().id, BENCH, "command").run
        wake.wake([(run.id, run.attempt)])
        return run.id


def outcome(environ: Mapping[str, str], run_id: int) -> Outcome:
    """How the run ended. Raises :class:`BenchError` unless it completed."""
    with product(environ):
        run = db.session.get_one(SyncRun, run_id)
        if not run.state.startswith("completed"):
            raise BenchError(f"Run {run_id} ended as {run.state}: {run.message}")
        return Outcome(run.state, run.found, run.imported, run.renamed, run.unchanged, run.message or "")


def _integration() -> Integration:
    return db.session.scalars(sa.select(Integration)).one()


def _words(page: str) -> str:
    """The text of a page, without its tags."""
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())[-600:]
