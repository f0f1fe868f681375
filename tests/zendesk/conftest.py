"""A contract, an administrator's browser and a running Zendesk with two accounts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask

import config
from config import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, OAuthClient
from tests.actors import Actor, make_actor, make_contract
from tests.servers.local import HTTP
from tests.servers.sandbox import Sandbox, sandbox_server
from webapp.core.models import Integration, SyncRun, db
from webapp.jobs import functions

PAGE = "/c/acme/integrations/platforms/zendesk"


@pytest.fixture(scope="module")
def _zendesk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox_server("zendesk", tmp_path_factory.mktemp("zendesk")) as server:
        yield server


@pytest.fixture
def zendesk(_zendesk: Sandbox) -> Sandbox:
    """The sandbox with its default agents and no faults."""
    _zendesk.control("POST", "reset")
    return _zendesk


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path, zendesk: Sandbox) -> config.Settings:
    client = OAuthClient(
        SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, api_url=f"{zendesk.url}/{{subdomain}}", sandbox=True
    )
    return config.test_settings(
        database_url=database_url,
        redis_url=redis_url,
        data_dir=tmp_path,
        zendesk=client,
        http_retry_ceiling=2.0,
        http_read_timeout=5.0,
    )


@dataclass
class Desk:
    """What a test does as an administrator of the contract acme."""

    app: Flask
    admin: Actor
    zendesk: Sandbox

    def begin(self, subdomain: str = "kestrel") -> str:
        """Press Connect; where the browser is sent."""
        answer = self.admin.post(f"{PAGE}/connect", {"site": subdomain})
        assert answer.status_code == 302, answer.text
        return answer.location

    def consent(self, address: str, decision: str = "allow") -> str:
        """Decide at Zendesk; the path and query that the browser comes back with."""
        fields = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert HTTP.get(address).status_code == 200
        answer = HTTP.post(address.split("?")[0], data=fields | {"decision": decision})
        assert answer.status_code == 303, answer.text
        back = urlsplit(answer.headers["location"])
        return f"{back.path}?{back.query}"

    def connect(self, subdomain: str = "kestrel") -> None:
        answer = self.admin.get(self.consent(self.begin(subdomain)), follow_redirects=True)
        assert "is connected" in answer.text

    def sync(self) -> SyncRun:
        """Sync now, carried out here; the ended run."""
        self.admin.post(f"{PAGE}/user-sync/sync-now")
        return self.work()

    def enable(self) -> SyncRun:
        self.admin.post(f"{PAGE}/user-sync/enable")
        return self.work()

    def work(self) -> SyncRun:
        with self.app.app_context():
            run = db.session.scalars(sa.select(SyncRun).where(SyncRun.state == "queued")).one()
            db.session.rollback()
            functions.run(run.id, run.attempt)
            db.session.rollback()
            db.session.expire_all()
            return db.session.get_one(SyncRun, run.id)

    def integration(self) -> Integration:
        with self.app.app_context():
            found = db.session.scalars(sa.select(Integration).where(Integration.platform == "zendesk")).one()
            db.session.expunge(found)
            return found

    def fault(self, **order: object) -> None:
        self.zendesk.control("POST", "faults", order)


@pytest.fixture
def desk(app: Flask, zendesk: Sandbox) -> Desk:
    contract_id = make_contract(app, "acme")
    return Desk(app, make_actor(app, contract_id, "administrator"), zendesk)
