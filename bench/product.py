"""The product upon one database, in this process: everything that is needed around what is measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import flask_migrate
import sqlalchemy as sa
from flask import Flask

from bench.programs import ROOT, BenchError
from bench.workspace import Workspace
from config import Settings, load_settings
from webapp import create_app, queue
from webapp.auth import signing_in
from webapp.auth.demo_accounts import DEMO_ACCOUNTS, DEMO_PASSWORD
from webapp.connectors.intercom import VERSION
from webapp.credentials import unseal
from webapp.models import Contract, Integration, SignInSession, SyncRun, db
from webapp.platforms import connect
from webapp.sync.schedule import Requester
from webapp.user_sync import settings as user_sync

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
def product(environ: Mapping[str, str]) -> Iterator[Flask]:
    """The application with ``environ`` as its environment, in its context; no connection stays open."""
    app = create_app(load_settings(environ))
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


def prepare(environ: Mapping[str, str], workspace: Workspace) -> None:
    """Tables, the demo contract, Intercom connected and User sync enabled; the first run waits."""
    with product(environ) as app, app.test_request_context():
        flask_migrate.upgrade(str(ROOT / "migrations"))
        app.test_cli_runner().invoke(args=["demo", "seed"], catch_exceptions=False)
        settings: Settings = app.extensions["settings"]
        contract = db.session.scalars(sa.select(Contract).where(Contract.slug == "demo")).one()
        account, _ = signing_in.sign_in(
            DEMO_ACCOUNTS[0].email, DEMO_PASSWORD, settings, address="", user_agent="bench"
        )
        session_id = db.session.scalars(sa.select(SignInSession.id)).one()
        callback = f"{settings.public_url}/integrations/{PLATFORM}/callback"
        address = connect.begin(
            contract=contract,
            platform=PLATFORM,
            site="us",
            sign_in_session_id=session_id,
            redirect_uri=callback,
        )
        code, state = workspace.consent(address)
        attempt = connect.consume(platform=PLATFORM, state=state, sign_in_session_id=session_id)
        connected = connect.complete(attempt, code, by=account, redirect_uri=callback, settings=settings)
        user_sync.enable(connected.integration.id, BENCH, settings)


def request_headers(environ: Mapping[str, str]) -> dict[str, str]:
    """The headers that the product sends to Intercom."""
    with product(environ):
        token = unseal(_integration())
    return {
        "Authorization": f"Bearer {token['access_token']}",
        "Accept": "application/json",
        "Intercom-Version": VERSION,
    }


def request_run(environ: Mapping[str, str]) -> int:
    """Put a run into the queue; its id."""
    with product(environ):
        run = user_sync.sync_now(_integration().id, BENCH, "command").run
        queue.wake([(run.id, run.attempt)])
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
