"""``/healthz``: live is that the process answers, ready is that somebody could be served now."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from redis import Redis

import config
import webapp
from tests.servers.databases import SqliteTemplate
from tests.servers.processes import family, wait_until
from tests.servers.production import Web, served
from webapp.core.models import Heartbeat, db
from webapp.web import readiness

OK = {"status": "ok", "database": "ok", "queue": "ok"}
NO_DATABASE = {"status": "unhealthy", "database": "failing", "queue": "ok"}
NO_QUEUE = {"status": "unhealthy", "database": "ok", "queue": "failing"}
READY = ("/healthz", "/healthz/ready")


@pytest.fixture(autouse=True)
def _asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "KEPT", 0.0)


def said(app: Flask) -> tuple[int, object]:
    """The same at both addresses, while the process is live all the time."""
    client = app.test_client()
    found = [(answer.status_code, answer.json) for answer in map(client.get, READY)]
    assert found[0] == found[1]
    live = client.get("/healthz/live")
    assert (live.status_code, live.json) == (200, {"status": "ok"})
    return found[0]


def with_settings(settings: config.Settings, **changes: str) -> Flask:
    return webapp.create_app(replace(settings, **changes))  # type: ignore[arg-type]


def test_all_is_well_and_nothing_stays_of_the_question(app: Flask) -> None:
    assert said(app) == (200, OK)
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Heartbeat)) == 0
    assert app.extensions["redis"].keys() == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_away_is_named_and_no_more(settings: config.Settings) -> None:
    away = "postgresql+psycopg://rollcall@127.0.0.1:9/rollcall"
    assert said(with_settings(settings, database_url=away)) == (503, NO_DATABASE)
    assert said(with_settings(settings, redis_url="redis://127.0.0.1:9/0")) == (503, NO_QUEUE)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_B15_a_database_that_answers_but_takes_no_write_is_not_ready(
    app: Flask, postgres_owner_url: str
) -> None:
    name = postgres_owner_url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(postgres_owner_url, autocommit=True) as owner:
        owner.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")  # type: ignore[arg-type]
        try:
            assert said(app) == (503, NO_DATABASE)
        finally:
            owner.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")  # type: ignore[arg-type]
    assert said(app) == (200, OK)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_B15_a_table_that_is_locked_does_not_hold_the_question_up(
    app: Flask, postgres_owner_url: str
) -> None:
    with psycopg.connect(postgres_owner_url) as owner:
        owner.execute("LOCK TABLE heartbeats IN ACCESS EXCLUSIVE MODE")
        assert said(app) == (503, NO_DATABASE)  # it would wait for ever otherwise
    assert said(app) == (200, OK)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_B15_nor_does_another_writer(app: Flask, sqlite_url: str) -> None:
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert said(app) == (503, NO_DATABASE)
    assert said(app) == (200, OK)


def full(client: Redis) -> Callable[[], None]:
    client.config_set("maxmemory", "1")
    return lambda: client.config_set("maxmemory", "0")  # type: ignore[return-value]


def read_only(client: Redis) -> Callable[[], None]:
    client.replicaof("127.0.0.1", "9")
    return lambda: client.replicaof("NO", "ONE")  # type: ignore[return-value]


def silent(client: Redis) -> Callable[[], None]:
    client.client_pause(60_000, all=False)  # writes wait
    return client.client_unpause  # type: ignore[return-value]


@pytest.mark.parametrize("way", [full, read_only, silent])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_B15_a_queue_that_takes_no_write_is_not_ready(
    app: Flask, redis_url: str, way: Callable[[Redis], Callable[[], None]]
) -> None:
    with Redis.from_url(redis_url) as client:
        heal = way(client)
        try:
            if way is not silent:
                assert client.ping()
            assert said(app) == (503, NO_QUEUE)
        finally:
            heal()
    assert said(app) == (200, OK)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_B15_however_often_strangers_ask_it_is_tried_once_in_a_moment(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "KEPT", 3600.0)
    tried = []
    monkeypatch.setattr(readiness, "_works", lambda part, _write: tried.append(part) or True)
    for _ in range(25):
        assert said(app) == (200, OK)
    assert tried == ["database", "queue"]


# ------------------------------------------------------------------ a disk that is full
@pytest.fixture(scope="module")
def web(
    _sqlite_template: SqliteTemplate, _redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Web]:
    with served(_sqlite_template, _redis_server, tmp_path_factory.mktemp("web")) as web:
        yield web


@contextmanager
def no_room(web: Web) -> Iterator[None]:
    """No file can grow, as on a full disk: neither the database nor the log of the server."""
    processes = family(web.program.pid)
    before = {one.pid: resource.prlimit(one.pid, resource.RLIMIT_FSIZE) for one in processes}
    for pid, (_, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


def status_of(web: Web, path: str) -> int:
    answer = web.raw(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    return int(answer.split(b" ")[1])


def test_B15_with_a_full_disk_nobody_is_sent_here_and_nobody_starts_it_anew(web: Web) -> None:
    wait_until(lambda: status_of(web, "/healthz") == 200)
    with no_room(web):
        wait_until(lambda: {status_of(web, path) for path in READY} == {503})
        assert status_of(web, "/healthz/live") == 200
        assert status_of(web, "/sign-in") == 200  # and what writes nothing is still there
    wait_until(lambda: status_of(web, "/healthz") == 200)
