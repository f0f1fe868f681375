"""Every fault a sandbox knows, at every place where a run asks the platform, on both platforms.

Each ends in a named state with a sentence for people; users, people and links are as before unless all was read;
the schedule does what is promised; and the next good run goes on. Every other case runs in Postgres, so that each
stage, and each fault, is met in both databases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from flask import Flask

import config
import webapp
from config import SANDBOX_CLIENT_ID, SANDBOX_CLIENT_SECRET, OAuthClient
from sandbox.faults import KINDS
from tests.actors import Actor, make_actor, make_contract
from tests.conflicts.conftest import Apart
from tests.servers.databases import PostgresTemplate, SqliteTemplate
from tests.servers.local import HTTP
from tests.servers.sandbox import Sandbox, sandbox_server
from webapp.core.credentials import seal, unseal
from webapp.core.database import write_transaction
from webapp.core.models import Incident, Integration, Person, SyncRun, User, UserSync, db, utcnow
from webapp.core.permissions import INTEGRATIONS
from webapp.jobs import functions
from webapp.platforms.platform import Opening
from webapp.sync.schedule import schedule

# Where a run asks: the path there, and how many answers come before the one that is spoilt.
STAGES: dict[str, dict[str, tuple[str, int]]] = {
    "intercom": {"connection check": ("/me", 0), "list": ("/admins", 0)},
    "zendesk": {
        "connection check": ("/api/v2/users/me.json", 0),
        "first page": ("/api/v2/users.json", 0),
        "later page": ("/api/v2/users.json", 1),
        "token refresh": ("/oauth/tokens", 0),
        "custom roles": ("/api/v2/custom_roles.json", 0),
    },
}
ORDERS: dict[str, dict[str, Any]] = {
    "status": {"status": 503},
    "slow": {"seconds": 0.05},
    "redirect": {"location": "http://127.0.0.1:9/elsewhere"},
}
EXPECTED = {
    "status": "unavailable",
    "html": "bad_response",
    "empty": "bad_response",
    "truncate": "unavailable",
    "wrong-json": "bad_response",
    "hang": "unavailable",
    "drop-connection": "unavailable",
    "redirect": "bad_response",
    "repeat-cursor": "bad_response",
    "revoke": "access_denied",
    "slow": None,
}


def cases() -> Iterator[Any]:
    places = [(platform, stage) for platform, stages in STAGES.items() for stage in stages]
    for row, (platform, stage) in enumerate(places):
        for column, kind in enumerate(KINDS):
            if kind == "repeat-cursor" and stage != "first page":
                continue  # only a list in pages has cursors
            database = ("sqlite", "postgres")[(row + column) % 2]
            name = f"{platform}-{stage}-{kind}-{database}".replace(" ", "_")
            yield pytest.param(database, platform, stage, kind, id=name)


@dataclass
class Place:
    """One platform connected to one contract, with its good first run behind it."""

    platform: str
    app: Flask
    sandbox: Sandbox
    admin: Actor
    slug: str

    @property
    def page(self) -> str:
        return f"/c/{self.slug}/integrations/platforms/{self.platform}"

    @property
    def database(self) -> str:
        return {"postgresql": "postgres"}.get(db.engine.dialect.name, db.engine.dialect.name)

    def connect(self) -> None:
        site = {"intercom": "us", "zendesk": "kestrel"}[self.platform]
        address = self.admin.post(f"{self.page}/connect", {"site": site}).location
        answer = HTTP.post(
            address.split("?")[0], data=dict(httpx.URL(address).params) | {"decision": "allow"}
        )
        back = httpx.URL(answer.headers["location"])
        assert "is connected" in self.admin.get(back.raw_path.decode(), follow_redirects=True).text

    def run(self, what: str = "sync-now") -> SyncRun:
        """Ask for a run on the page and carry it out here."""
        answer = self.admin.post(f"{self.page}/user-sync/{what}", follow_redirects=True)
        assert "A run has started" in answer.text or "The first import has started" in answer.text, (
            answer.text
        )
        return self.work()

    def work(self) -> SyncRun:
        db.session.rollback()
        run = db.session.scalars(sa.select(SyncRun).where(SyncRun.state == "queued")).one()
        db.session.rollback()
        functions.run(run.id, run.attempt)
        db.session.rollback()
        return db.session.get_one(SyncRun, run.id, populate_existing=True)

    def end_token_soon(self) -> None:
        with write_transaction() as session:
            integration = session.scalars(sa.select(Integration)).one()
            integration.credentials = seal(integration, unseal(integration) | {"expires_at": 1})

    def settings(self) -> UserSync:
        db.session.rollback()
        return db.session.scalars(sa.select(UserSync).execution_options(populate_existing=True)).one()

    def integration(self) -> Integration:
        db.session.rollback()
        return db.session.scalars(sa.select(Integration).execution_options(populate_existing=True)).one()

    def written(self) -> list[list[Any]]:
        """Users, people and links, every column."""
        db.session.rollback()
        return [
            sorted((tuple(row) for row in db.session.execute(sa.select(*model.__table__.columns))), key=repr)
            for model in (User, Person)
        ]

    def open_incidents(self) -> set[str]:
        db.session.rollback()
        return set(db.session.scalars(sa.select(Incident.kind).where(Incident.closed_at.is_(None))))


@pytest.fixture(scope="module")
def places(
    _sqlite_template: SqliteTemplate,
    _postgres_template: PostgresTemplate,
    _redis_server: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str, str], Place]]:
    """Each platform with a contract of its own in each database, made when first asked for.

    Every case leaves it as it was.
    """
    templates = {"sqlite": _sqlite_template, "postgres": _postgres_template}
    made: dict[tuple[str, str], Place] = {}
    with ExitStack() as started:

        def place_of(database: str, platform: str) -> Place:
            if (database, platform) not in made:
                folder = tmp_path_factory.mktemp(platform)
                server = started.enter_context(sandbox_server(platform, folder))
                url = started.enter_context(templates[database].copy())
                made[database, platform] = _make_place(platform, server, url, _redis_server, folder)
            return made[database, platform]

        yield place_of
        for place in made.values():
            with place.app.app_context():
                db.session.remove()
                db.engine.dispose()


@pytest.fixture
def place(
    request: pytest.FixtureRequest,
    places: Callable[[str, str], Place],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Place]:
    """The platform and the database that the case names, after a good run. Waits between tries take no time."""
    monkeypatch.setattr(functions, "Opening", partial(Opening, sleep=lambda _seconds: None))
    monkeypatch.setattr("webapp.platforms.zendesk.oauth.TIMEOUT", (2.0, 0.5))
    params = request.node.callspec.params
    found = places(params["database"], params["platform"])
    with found.app.app_context():
        yield found
    found.sandbox.control("DELETE", "faults")


def _make_place(platform: str, server: Sandbox, database_url: str, redis_url: str, folder: Path) -> Place:
    client = OAuthClient(
        SANDBOX_CLIENT_ID,
        SANDBOX_CLIENT_SECRET,
        api_url=server.url if platform == "intercom" else f"{server.url}/{{subdomain}}",
        authorize_url=f"{server.url}/oauth" if platform == "intercom" else None,
        sandbox=True,
    )
    settings = config.test_settings(
        database_url=database_url,
        redis_url=redis_url,
        data_dir=folder,
        http_read_timeout=0.4,  # one silence: a fault that hangs costs four of them
        http_connect_timeout=2.0,
        **{platform: client},
    )
    app = webapp.create_app(settings)
    app.test_client_class = Apart
    contract_id = make_contract(app, "acme")
    with app.app_context():
        place = Place(platform, app, server, make_actor(app, contract_id, "administrator"), "acme")
        place.connect()
        first = place.run("enable")
        assert first.state == "completed", first.message
    return place


@pytest.mark.parametrize(("database", "platform", "stage", "kind"), list(cases()))
def test_every_fault_ends_well(place: Place, database: str, platform: str, stage: str, kind: str) -> None:
    assert place.database == database
    if stage == "token refresh":
        place.end_token_soon()
    before = place.written()
    success = place.settings().last_success_at
    path, skip = STAGES[platform][stage]
    place.sandbox.control("POST", "faults", {"path": path, "kind": kind, "skip": skip} | ORDERS.get(kind, {}))

    run = place.run()
    if kind == "slow":
        assert run.state == "completed", run.message
    else:
        assert run.state == "failed"
        assert run.error_kind == named(stage, kind), run.message
        assert run.message
        assert "Nobody was changed." in run.message
        assert place.written() == before
        assert (run.imported, run.renamed, run.linked, run.missing) == (0, 0, 0, 0)
        assert place.settings().last_success_at == success
        assert run.message in place.admin.get(f"/c/acme/sync-status/runs/{run.id}").text.replace("&#39;", "'")
        schedule_is_as_promised(place, broken=kind == "revoke")

    place.sandbox.control("DELETE", "faults")
    if (stage, kind) == ("token refresh", "truncate"):  # the new pair was made there and never arrived here
        assert place.run().error_kind == "access_denied"
    if place.integration().connection == "broken":
        place.connect()
        good = place.work()
    else:
        good = place.run()
    assert good.state == "completed", good.message
    assert place.settings().failures == 0
    assert place.open_incidents() == set()
    assert [len(rows) for rows in place.written()] == [len(rows) for rows in before]
    assert place.integration().refreshing_until is None


def named(stage: str, kind: str) -> str | None:
    """What the run's end is called. A renewal that fails says only that it could not be had just now."""
    if stage == "token refresh" and kind != "revoke":
        return "unavailable"
    return EXPECTED[kind]


def schedule_is_as_promised(place: Place, *, broken: bool) -> None:
    settings, connection = place.settings(), place.integration().connection
    if broken:
        assert connection == "broken"
        assert place.open_incidents() == {"broken"}
        due = utcnow().replace(year=utcnow().year + 1)
        db.session.rollback()
        with write_transaction() as session:
            ticked = schedule.tick(
                session, due, feature=INTEGRATIONS, every=place.app.extensions["settings"].sync_every
            )
        assert ticked.due == 0  # it waits for a new consent
    else:
        assert connection == "connected"
        assert settings.failures == 1
        assert settings.next_run_at is not None
        assert (settings.next_run_at - utcnow()).total_seconds() <= 30 * 60


def refusals() -> Iterator[Any]:
    """Every place, every refusal; a token that is given back with 403 or a list that is refused at all."""
    places = [(platform, stage) for platform, stages in STAGES.items() for stage in stages]
    for row, (platform, stage) in enumerate(places):
        for status in (401, 403):
            database = ("sqlite", "postgres")[(row + status) % 2]
            yield pytest.param(
                database, platform, stage, status, id=f"{platform}-{stage}-{status}".replace(" ", "_")
            )


@pytest.mark.parametrize(("database", "platform", "stage", "status"), list(refusals()))
def test_B13_one_single_refusal_is_survived_and_one_that_stays_breaks_the_connection(
    place: Place, database: str, platform: str, stage: str, status: int
) -> None:
    path, skip = STAGES[platform][stage]
    order = {"path": path, "kind": "status", "status": status, "skip": skip}
    before = place.written()

    if stage == "token refresh":
        place.end_token_soon()
    place.sandbox.control("POST", "faults", order | {"times": 1})
    run = place.run()
    assert run.state == "completed", run.message
    assert place.integration().connection == "connected"
    assert place.open_incidents() == set()

    if stage == "token refresh":
        place.end_token_soon()
    place.sandbox.control("POST", "faults", order)
    run = place.run()
    if (stage, status) == ("custom roles", 403):  # what a plan or a scope does not show is done without
        assert run.state == "completed", run.message
    else:
        assert (run.state, run.error_kind) == ("failed", "access_denied"), run.message
        assert place.integration().connection == "broken"
        assert place.open_incidents() == {"broken"}
        assert place.written() == before
    place.sandbox.control("DELETE", "faults")
    if place.integration().connection == "broken":
        place.connect()
        assert place.work().state == "completed"
