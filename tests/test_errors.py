"""What people see when something breaks, and what the log keeps of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

import config
import webapp
from tests.actors import Actor, csrf_of, make_actor, make_contract
from tests.logs.records import logging_to_stderr
from tests.pages import problems_of_page
from tests.servers.postgres import Postgres
from webapp.core.database import write_transaction
from webapp.core.models import Contract, db
from webapp.web.access import public, requires, signed_in

SECRETS = (
    "Traceback",
    "ZeroDivisionError",
    "SELECT",
    "/srv/",
    ".py",
    "psycopg",
    "sqlite",
    "divisor",
    "password=",
)


def broken(*_args: object, **_options: object) -> str:
    raise ZeroDivisionError("the divisor in /srv/rollcall/secret.py was zero; password=quite-secret")


@pytest.fixture
def settings(sqlite_url: str, redis_url: str, tmp_path: Path) -> config.Settings:
    return config.test_settings(database_url=sqlite_url, redis_url=redis_url, data_dir=tmp_path)


@pytest.fixture
def ana(app: Flask) -> Actor:
    app.add_url_rule("/broken", "broken", signed_in(broken))
    app.add_url_rule("/c/<contract>/broken", "broken_in_contract", requires()(lambda contract: broken()))
    return make_actor(app, make_contract(app, "acme"), "administrator")


def in_a_view(_: pytest.MonkeyPatch) -> str:
    return "/broken"


def in_a_view_of_a_contract(_: pytest.MonkeyPatch) -> str:
    return "/c/acme/broken"


def in_a_query(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(
        "webapp.administration.audit.queries.events",
        lambda *_: db.session.execute(sa.text("SELECT * FROM nowhere")),
    )
    return "/c/acme/audit"


def in_the_permission_check(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("webapp.web.access.access_to", broken)
    return "/c/acme/audit"


def in_the_user_loader(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("webapp.accounts.sign_in.sessions.find", broken)
    return "/c/acme/audit"


def in_the_frame_of_the_page(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("webapp.navigation.navigation", broken)
    return "/c/acme/audit"


PLACES = [
    in_a_view,
    in_a_view_of_a_contract,
    in_a_query,
    in_the_permission_check,
    in_the_user_loader,
    in_the_frame_of_the_page,
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_what_breaks_is_answered_with_a_reference_and_told_in_the_log(
    ana: Actor,
    place: Callable[[pytest.MonkeyPatch], str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = ana.get(place(monkeypatch))

    assert answer.status_code in (500, 503)
    assert problems_of_page(answer.text) == []
    reference = answer.headers["X-Request-Id"]
    assert re.fullmatch(r"[0-9A-F]{4}-[0-9A-F]{4}", reference)
    assert reference in answer.text
    assert [word for word in SECRETS if word in answer.text] == []
    assert "audit" not in answer.text.lower()  # nothing of what would have been shown
    assert any(record.exc_info for record in caplog.records)


def test_the_log_tells_the_whole_story_on_one_line_with_the_reference(
    ana: Actor, capsys: pytest.CaptureFixture[str]
) -> None:
    with logging_to_stderr(LOG_FORMAT="json"):
        answer = ana.get("/broken?q=not-in-the-log")
    lines = [line for line in capsys.readouterr().err.splitlines() if answer.headers["X-Request-Id"] in line]
    assert len(lines) == 1
    said = json.loads(lines[0])
    assert (said["level"], said["logger"], said["account"]) == ("ERROR", "webapp.web.errors", ana.account_id)
    assert said["event"] == "unhandled error at GET /broken"
    assert said["exception"].startswith("Traceback (most recent call last)")
    assert "ZeroDivisionError: the divisor" in said["exception"]
    assert "not-in-the-log" not in lines[0]


def test_nothing_of_a_request_that_breaks_is_kept(app: Flask, ana: Actor) -> None:
    @public
    def half() -> str:
        with write_transaction() as session:
            session.execute(sa.update(Contract).values(name="half done"))
            session.flush()
            return broken()

    app.add_url_rule("/half", "half", half)
    assert ana.get("/half").status_code == 500
    with app.app_context():
        assert db.session.scalars(sa.select(Contract.name)).all() == ["Contract acme"]
    assert ana.get("/c/acme/audit").status_code == 200


def test_references_differ(ana: Actor) -> None:
    assert len({ana.get("/broken").headers["X-Request-Id"] for _ in range(20)}) == 20


@pytest.mark.parametrize(
    ("path", "method", "status", "says"),
    [
        ("/nothing-here", "GET", 404, "Page not found"),
        ("/c/acme/audit", "DELETE", 405, "That is not possible here"),
        ("/sign-out", "POST", 400, "This page was open too long"),
        ("/c/acme/audit?q=%00", "GET", 400, "That request could not be read"),
    ],
)
def test_a_refusal_says_what_happened_and_what_to_do(
    ana: Actor, path: str, method: str, status: int, says: str
) -> None:
    answer = ana.client.open(path, method=method)
    assert answer.status_code == status
    assert f"<h1>{says}</h1>" in answer.text
    assert answer.headers["X-Request-Id"] in answer.text
    assert "Go to the start page" in answer.text


def test_a_method_that_is_not_allowed_names_those_that_are(ana: Actor) -> None:
    allowed = ana.client.delete("/c/acme/audit").headers["Allow"]
    assert set(allowed.split(", ")) == {"GET", "HEAD", "OPTIONS"}


def test_nothing_of_the_request_comes_back_as_markup(ana: Actor) -> None:
    attack = '"><script>alert(1)</script>{{8641*7}}'
    for path in (f"/{attack}", f"/c/{attack}/audit", f"/c/acme/audit?q={attack}", f"/sign-in?next=/{attack}"):
        for client in (ana.client, ana.client.application.test_client()):
            page = client.get(path).text
            assert "<script>alert" not in page
            assert "60487" not in page.replace(attack, "")


# ------------------------------------------------------------------ the database is away
@pytest.fixture
def away(app: Flask, ana: Actor, redis_url: str, tmp_path: Path) -> Flask:
    """The same application when its database does not answer; its sign-in cookies are good."""
    settings = config.test_settings(
        database_url="postgresql://rollcall@127.0.0.1:9/rollcall", redis_url=redis_url, data_dir=tmp_path
    )
    return webapp.create_app(settings)


def browser_of(app: Flask, ana: Actor) -> FlaskClient:
    client = app.test_client()
    cookie = ana.client.get_cookie("rollcall-8000")
    assert cookie is not None
    client.set_cookie("rollcall-8000", cookie.value)
    return client


@pytest.mark.parametrize("path", ["/", "/c/acme/audit", "/c/acme/users", "/sign-in"])
def test_without_its_database_it_says_so(
    away: Flask, ana: Actor, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = browser_of(away, ana).get(path)
    assert answer.status_code == 503
    assert "<h1>Rollcall cannot reach its database</h1>" in answer.text
    assert "Nothing was changed" in answer.text
    assert problems_of_page(answer.text) == []
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Request-Id"] in answer.text
    assert [word for word in SECRETS if word in answer.text] == []
    stories = [record for record in caplog.records if record.exc_info]
    assert len(stories) == 1  # told once, not again for each part of the page


def test_without_its_database_nobody_can_sign_in(away: Flask) -> None:
    client = away.test_client()
    page = client.get("/sign-in")
    assert page.status_code == 200
    form = {"csrf_token": csrf_of(page), "email": "ana@example.com", "password": "x" * 20}
    assert client.post("/sign-in", data=form).status_code == 503


def test_without_its_database_files_are_still_served(away: Flask, ana: Actor) -> None:
    assert browser_of(away, ana).get("/static/css/theme.css").status_code == 200


def test_without_its_queue_the_pages_are_still_there(
    app: Flask, ana: Actor, sqlite_url: str, tmp_path: Path
) -> None:
    no_queue = webapp.create_app(
        config.test_settings(database_url=sqlite_url, redis_url="redis://127.0.0.1:9/0", data_dir=tmp_path)
    )
    for path in ("/c/acme/audit", "/c/acme/users", "/c/acme/sync-status", "/c/acme/integrations/platforms"):
        assert browser_of(no_queue, ana).get(path).status_code == 200


def test_a_database_that_comes_back_is_used_again(
    postgres_url: str, postgres: Postgres, redis_url: str, tmp_path: Path
) -> None:
    """Connections that were cut meanwhile are noticed before they are used."""
    settings = config.test_settings(database_url=postgres_url, redis_url=redis_url, data_dir=tmp_path)
    app = webapp.create_app(settings)
    ana = make_actor(app, make_contract(app, "acme"), "administrator")
    assert ana.get("/c/acme/audit").status_code == 200
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [postgres_url.partition("?")[0].rpartition("/")[2]],
        )
    assert ana.get("/c/acme/audit").status_code == 200
    with app.app_context():
        db.engine.dispose()
