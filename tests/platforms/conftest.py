"""An administrator's browser and a running Intercom."""

from __future__ import annotations

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
from tests.servers.sandbox import Sandbox
from webapp.core.models import Integration, SyncRun, db
from webapp.jobs import functions

PAGE = "/c/acme/integrations/platforms/intercom"


@pytest.fixture
def intercom(_intercom: Sandbox) -> Sandbox:
    """The sandbox with its default teammates and no faults."""
    _intercom.control("POST", "reset")
    return _intercom


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path, intercom: Sandbox) -> config.Settings:
    client = OAuthClient(
        SANDBOX_CLIENT_ID,
        SANDBOX_CLIENT_SECRET,
        api_url=intercom.url,
        authorize_url=f"{intercom.url}/oauth",
        sandbox=True,
    )
    return config.test_settings(
        database_url=database_url,
        redis_url=redis_url,
        data_dir=tmp_path,
        intercom=client,
        http_retry_ceiling=2.0,
        http_read_timeout=2.0,
    )


@dataclass
class Desk:
    """What a test does in the contract acme, as ``admin``."""

    app: Flask
    contract_id: int
    admin: Actor
    intercom: Sandbox

    def begin(self, region: str = "us") -> str:
        """Press Connect; where the browser is sent."""
        answer = self.admin.post(f"{PAGE}/connect", {"site": region})
        assert answer.status_code == 302, answer.text
        return answer.location

    def consent(self, address: str, decision: str = "allow") -> str:
        """Decide at Intercom; the path and query that the browser comes back with."""
        fields = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        answer = HTTP.post(address.split("?")[0], data=fields | {"decision": decision})
        assert answer.status_code == 303, answer.text
        back = urlsplit(answer.headers["location"])
        return f"{back.path}?{back.query}"

    def come_back(self, address: str, actor: Actor | None = None) -> str:
        """The page on which the browser ends that comes back with ``address``."""
        return (actor or self.admin).get(address, follow_redirects=True).text

    def connect(self) -> None:
        assert "Intercom is connected" in self.come_back(self.consent(self.begin()))

    def connect_again(self) -> None:
        assert "is connected again" in self.come_back(self.consent(self.begin()))

    def work(self) -> SyncRun:
        """Carry out the queued run here; how it ended."""
        with self.app.app_context():
            run = db.session.scalars(sa.select(SyncRun).where(SyncRun.state == "queued")).one()
            db.session.rollback()
            functions.run(run.id, run.attempt)
            db.session.expire_all()
            return db.session.get_one(SyncRun, run.id)

    def integration(self) -> Integration | None:
        with self.app.app_context():
            return db.session.scalars(sa.select(Integration)).one_or_none()

    def asked(self, path: str) -> int:
        """How often the sandbox was asked for ``path``."""
        requests = self.intercom.control("GET", "requests")["requests"]  # type: ignore[index]
        return sum(one["path"] == path for one in requests)

    def fault(self, **order: object) -> None:
        self.intercom.control("POST", "faults", order)


@pytest.fixture
def desk(app: Flask, intercom: Sandbox) -> Desk:
    contract_id = make_contract(app, "acme")
    return Desk(app, contract_id, make_actor(app, contract_id, "administrator"), intercom)
