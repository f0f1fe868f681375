"""Fixtures for all tests: real servers, each started when first asked for and once for each test process."""

from __future__ import annotations

import gc
import itertools
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser, Page
from redis import Redis

import config
import webapp
from tests.sandbox.caller import Caller
from tests.servers.browser import chromium
from tests.servers.databases import PostgresTemplate, SqliteTemplate
from tests.servers.postgres import Postgres, postgres_server
from tests.servers.redis import redis_server
from tests.servers.reuse import CompiledTemplates, shared_compilation
from tests.servers.sandbox import Sandbox, sandbox_server
from tests.servers.scoping import scoped_statements
from tests.servers.stack import Stack, running_stack
from webapp.core.models.base import db

# A shell that starts us in the background lets us ignore Ctrl-C, and every program we start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Examples are found or not; how long that takes on a busy machine says nothing.
hypothesis_settings.register_profile(
    "rollcall",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
hypothesis_settings.load_profile("rollcall")


# Long tests come first, so that no process is left alone with one while the others have nothing to do.
LONG = ("journeys", "launch", "processes", "test_every_input.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not set(LONG) & set(item.path.parts))


def pytest_collection_finish() -> None:
    """Look for garbage among what the tests make, and seldom: what was imported stays, and going through it each time
    took a tenth of all processor time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


# ------------------------------------------------------------------ Redis
@pytest.fixture(scope="session")
def _redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def redis_url(_redis_server: str) -> str:
    """Address of a real, empty Redis."""
    with Redis.from_url(_redis_server) as client:
        client.flushall()
    return _redis_server


# ------------------------------------------------------------------ databases
@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A real Postgres server."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory, _redis_server: str) -> SqliteTemplate:
    return SqliteTemplate(tmp_path_factory.mktemp("sqlite"), _redis_server)


@pytest.fixture(scope="session")
def _postgres_template(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory, _redis_server: str
) -> Iterator[PostgresTemplate]:
    template = PostgresTemplate(postgres, tmp_path_factory.mktemp("postgres"), _redis_server)
    yield template
    template.close()


@pytest.fixture
def sqlite_url(_sqlite_template: SqliteTemplate) -> Iterator[str]:
    """Address of a migrated, empty SQLite database of this test alone."""
    with _sqlite_template.copy() as url:
        yield url


@pytest.fixture
def postgres_url(_postgres_template: PostgresTemplate) -> Iterator[str]:
    """Address of a migrated, empty Postgres database of this test alone, for a role that owns nothing in it."""
    with _postgres_template.copy() as url:
        yield url


@pytest.fixture
def postgres_owner_url(_postgres_template: PostgresTemplate, postgres_url: str) -> str:
    """The same database for who owns it, a superuser."""
    return _postgres_template.owner_url(postgres_url)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Address of a migrated, empty database of this test alone; the test runs once on each engine.

    A test that changes tables takes ``["sqlite", "postgres_owner"]``.
    """
    return str(request.getfixturevalue(f"{request.param}_url"))


# ------------------------------------------------------------------ the application in this process
@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> config.Settings:
    """Settings of the test mode upon ``database_url`` and ``redis_url``. Override it to change one."""
    return config.test_settings(database_url=database_url, redis_url=redis_url, data_dir=tmp_path)


@pytest.fixture(scope="session", autouse=True)
def _shared_compilation() -> Iterator[None]:
    with shared_compilation():
        yield


@pytest.fixture(scope="session", autouse=True)
def _scoped_statements() -> Iterator[None]:
    with scoped_statements():
        yield


@pytest.fixture(scope="session")
def _compiled_templates() -> CompiledTemplates:
    """Templates are compiled once for each test process, not once for each application."""
    return CompiledTemplates()


@pytest.fixture
def app(settings: config.Settings, _compiled_templates: CompiledTemplates) -> Iterator[Flask]:
    """The application upon ``settings``; no context is pushed."""
    app = webapp.create_app(settings)
    app.jinja_env.bytecode_cache = _compiled_templates
    yield app
    with app.app_context():
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


# ------------------------------------------------------------------ programs beside it
@pytest.fixture(scope="session")
def _intercom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox_server("intercom", tmp_path_factory.mktemp("intercom")) as running:
        yield running


@pytest.fixture
def caller(_intercom: Sandbox) -> Caller:
    """A client of a sandbox of Intercom with its default data and no faults; tests share the sandbox."""
    caller = Caller(_intercom)
    caller.control("POST", "reset")
    return caller


@pytest.fixture
def start_sandbox(tmp_path: Path) -> Iterator[Callable[..., Sandbox]]:
    """``start_sandbox(platform="intercom")`` starts a sandbox on a free port; it ends with the test."""
    numbers = itertools.count(1)
    with ExitStack() as started:

        def start(platform: str = "intercom") -> Sandbox:
            folder = tmp_path / f"sandbox-{platform}-{next(numbers)}"
            return started.enter_context(sandbox_server(platform, folder))

        yield start


@pytest.fixture
def sandbox(start_sandbox: Callable[..., Sandbox]) -> Sandbox:
    """A sandbox of Intercom with its default data, for this test alone."""
    return start_sandbox()


@pytest.fixture(scope="module")
def start_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Stack]]:
    """``start_stack(**environ)`` starts all of Rollcall and waits until it is ready; it ends with the module."""
    with ExitStack() as started:

        def start(**environ: str) -> Stack:
            running: AbstractContextManager[Stack] = running_stack(
                tmp_path_factory.mktemp("stack"), **environ
            )
            return started.enter_context(running)

        yield start


@pytest.fixture(scope="module")
def stack(start_stack: Callable[..., Stack]) -> Stack:
    """All of Rollcall with the demo contract, shared by the tests of a module."""
    return start_stack()


# ------------------------------------------------------------------ browser
@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, shared by the tests of this process."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a fresh browser profile. A test that needs several profiles calls ``browser.new_context()``."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()
