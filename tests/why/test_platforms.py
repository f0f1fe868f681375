"""“Why is somebody not here?” with a running Intercom and a running Zendesk, answered by the worker's job."""

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
from tests.sync_status.conftest import said
from webapp.core.models import Question, SyncRun, User, db
from webapp.jobs import functions


@pytest.fixture(scope="module")
def _intercom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox_server("intercom", tmp_path_factory.mktemp("intercom")) as server:
        yield server


@pytest.fixture(scope="module")
def _zendesk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox_server("zendesk", tmp_path_factory.mktemp("zendesk")) as server:
        yield server


@pytest.fixture
def settings(
    sqlite_url: str, redis_url: str, tmp_path: Path, _intercom: Sandbox, _zendesk: Sandbox
) -> config.Settings:
    for sandbox in (_intercom, _zendesk):
        sandbox.control("POST", "reset")
    own = (SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET)
    return config.test_settings(
        database_url=sqlite_url,
        redis_url=redis_url,
        data_dir=tmp_path,
        intercom=OAuthClient(
            *own, api_url=_intercom.url, authorize_url=f"{_intercom.url}/oauth", sandbox=True
        ),
        zendesk=OAuthClient(*own, api_url=f"{_zendesk.url}/{{subdomain}}", sandbox=True),
        http_retry_ceiling=2.0,
        http_read_timeout=5.0,
    )


@dataclass
class Place:
    """One platform that is connected, as the administrator of acme sees it."""

    app: Flask
    admin: Actor
    sandbox: Sandbox
    key: str
    people: str  # where the sandbox keeps them
    list_path: str

    @property
    def page(self) -> str:
        return f"/c/acme/integrations/platforms/{self.key}"

    def everybody(self) -> list[dict[str, str]]:
        (found,) = self.sandbox.control("GET", self.people).values()  # type: ignore[union-attr]
        return found  # type: ignore[return-value]

    def ask(self, text: str) -> str:
        answer = self.admin.post(f"{self.page}/why", {"q": text})
        with self.app.app_context():
            waiting = db.session.scalars(sa.select(Question.id).where(Question.state == "queued")).one()
            db.session.rollback()
            functions.answer(waiting)
        return said(self.admin.get(answer.location).text)

    def enable(self) -> None:
        self.admin.post(f"{self.page}/user-sync/enable")
        with self.app.app_context():
            run = db.session.scalars(sa.select(SyncRun).where(SyncRun.state == "queued")).one()
            db.session.rollback()
            functions.run(run.id, run.attempt)


@pytest.fixture(params=["intercom", "zendesk"])
def place(request: pytest.FixtureRequest, app: Flask, _intercom: Sandbox, _zendesk: Sandbox) -> Place:
    admin = make_actor(app, make_contract(app, "acme", licences=600), "administrator")
    if request.param == "intercom":
        found = Place(app, admin, _intercom, "intercom", "admins", "/admins")
        site = "us"
    else:
        found = Place(app, admin, _zendesk, "zendesk", "kestrel/users", "/api/v2/users.json")
        site = "kestrel"
    address = admin.post(f"{found.page}/connect", {"site": site}).location
    fields = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    back = HTTP.post(address.split("?")[0], data=fields | {"decision": "allow"}).headers["location"]
    parts = urlsplit(back)
    answer = admin.get(f"{parts.path}?{parts.query}", follow_redirects=True)
    assert "is connected" in answer.text
    return found


def test_everybody_can_be_asked_about_before_the_first_import_and_after(place: Place) -> None:
    person = place.everybody()[30]
    told = place.ask(person["email"])
    assert "would be imported, but no run does it now" in told
    assert "User sync is off" in told
    place.enable()
    told = place.ask(str(person["id"]))
    assert f"{person['name']} is here already, as the pending user" in told
    assert f"In the list of {len(place.everybody()):,}" in told
    with place.app.app_context():
        assert db.session.scalar(
            sa.select(sa.func.count()).select_from(User).where(User.email == person["email"])
        )


def test_a_new_name_there_is_said_before_a_run_brings_it(place: Place) -> None:
    place.enable()
    person = place.everybody()[40]
    place.sandbox.control("PATCH", f"{place.people}/{person['id']}", {"name": "Nova Adeyemi-Brandt"})
    told = place.ask("nova adeyemi")
    assert "Renamed by the next run" in told
    assert f"{person['name']} → Nova Adeyemi-Brandt" in told


def test_nobody_is_found_and_the_nearest_are_named(place: Place) -> None:
    person = place.everybody()[30]
    told = place.ask(person["name"] + "x")
    assert "as a name, an email or an ID" in told
    assert "Spelled alike" in told
    assert person["name"] in told
    assert "Spelled alike" not in place.ask("qqqqqq zzzzzz")


def test_who_is_set_aside_stops_at_scope(place: Place) -> None:
    place.enable()
    if place.key == "intercom":
        bot = next(one for one in place.everybody() if "operator" in (one["email"] or ""))
        assert "Scope Stops here Bots are not people" in place.ask(str(bot["id"]))
    else:
        person = next(one for one in place.everybody() if one.get("role_type") == 3)
        told = place.ask(str(person["id"]))
        assert "Scope Stops here Left out by the user types chosen: Contributors" in told
        assert "Choose user types" in told


def test_a_platform_that_does_not_answer_is_said_where_it_stopped(place: Place) -> None:
    place.sandbox.control("POST", "faults", {"path": place.list_path, "kind": "html", "times": 9})
    told = place.ask("anybody")
    assert "Connection Passed" in told
    assert "Fetch Stops here" in told


def test_a_revoked_connection_stops_at_the_connection_and_is_left_as_it_is(place: Place) -> None:
    place.sandbox.control("POST", "faults", {"path": "/anything", "kind": "revoke"})
    assert "Connection Stops here" in place.ask("anybody")


def test_only_reading_calls_are_made(place: Place) -> None:
    before = len(place.sandbox.control("GET", "requests")["requests"])  # type: ignore[index]
    place.ask("anybody")
    made = place.sandbox.control("GET", "requests")["requests"][before:]  # type: ignore[index]
    assert {one["method"] for one in made if "control" not in one["path"]} == {"GET"}
