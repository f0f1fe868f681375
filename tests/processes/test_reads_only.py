"""A whole connection, a first import and more runs: nothing but GET goes to the platform besides OAuth's own calls."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest
import rq
from flask import Flask
from rq.serializers import JSONSerializer

import config
from tests.actors import Actor, make_actor, make_contract
from tests.sandbox.caller import Caller
from webapp.core.models import SyncRun, db
from webapp.platforms.intercom.connector import VERSION
from webapp.queue import wake
from webapp.queue.jobs import SYNC, SafeJob

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PAGE = "/c/reads-only/integrations/platforms/intercom"


@pytest.fixture
def settings(settings: config.Settings, caller: Caller) -> config.Settings:
    """The product talks to the sandbox."""
    url = caller.sandbox.url
    client = replace(settings.intercom, api_url=url, authorize_url=f"{url}/oauth")
    return replace(settings, intercom=client)


def work(app: Flask) -> SyncRun:
    """Work what waits in the queue; the newest run."""
    with app.app_context():
        worker = rq.SimpleWorker(
            [wake.queue(SYNC["intercom"])],
            connection=wake.connection(),
            serializer=JSONSerializer,
            job_class=SafeJob,
        )
        worker.work(burst=True, logging_level="CRITICAL")
        run = db.session.query(SyncRun).order_by(SyncRun.id.desc()).first()
        assert run is not None
        return run


def connect(admin: Actor, caller: Caller) -> None:
    """Connect through the sandbox's consent page."""
    connecting = admin.post(f"{PAGE}/connect", {"site": "us"})
    asked = dict(parse_qsl(urlsplit(connecting.headers["Location"]).query))
    assert asked.keys() >= {"client_id", "state"}
    back = caller.consent(**asked)
    assert admin.get("/integrations/intercom/callback", query_string=back).status_code == 302


def test_connecting_anew_ends_the_run_of_the_old_token_and_starts_one_of_the_new(
    app: Flask, caller: Caller
) -> None:
    admin = make_actor(app, make_contract(app, "reads-only"), "administrator")
    connect(admin, caller)
    admin.post(f"{PAGE}/user-sync/enable")
    connect(admin, caller)
    with app.app_context():
        old, new = db.session.query(SyncRun).order_by(SyncRun.id)
        assert (old.trigger, old.state) == ("enable", "cancelled")
        assert old.message == "Stopped, because the platform was connected anew meanwhile."
        assert (new.trigger, new.state) == ("reconnect", "queued")
    assert work(app).imported > 150


def test_only_get_goes_to_the_platform_besides_oauths_own_calls(app: Flask, caller: Caller) -> None:
    caller.control("DELETE", "requests")
    admin = make_actor(app, make_contract(app, "reads-only"), "administrator")
    connect(admin, caller)

    admin.post(f"{PAGE}/user-sync/enable")
    first = work(app)
    assert first.imported > 150
    someone = caller.control("GET", "admins")["admins"][50]
    caller.control("PATCH", f"admins/{someone['id']}", {"name": "A New Name"})
    caller.control("DELETE", f"admins/{caller.control('GET', 'admins')['admins'][60]['id']}")
    admin.post(f"{PAGE}/user-sync/sync-now")
    second = work(app)
    assert (second.renamed, second.missing) == (1, 1)
    admin.post(f"{PAGE}/disconnect")

    noted = [(call["method"], call["path"]) for call in caller.asked()]
    oauth = [("POST", "/oauth"), ("POST", "/auth/eagle/token"), ("POST", "/auth/uninstall")]
    assert [call for call in noted if call in oauth] == oauth
    reading = [call for call in noted if call not in oauth]
    assert set(reading) == {("GET", "/me"), ("GET", "/admins")}
    assert [call for call in reading if call == ("GET", "/admins")] == [("GET", "/admins")] * 2
    versions = {call["version"] for call in caller.asked() if call["method"] == "GET"}
    assert versions == {VERSION}
