"""One running Rollcall for all journeys of a test process, and a contract of its own for each."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

import config
import webapp
from tests.journeys.site import Site, make_site
from tests.servers.stack import Stack, running_stack
from webapp.models import db


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """All of Rollcall, shared by the journeys of this process."""
    with running_stack(tmp_path_factory.mktemp("journeys")) as stack:
        yield stack


@pytest.fixture(scope="session")
def behind(stack: Stack) -> Iterator[Flask]:
    """The application upon the database of ``stack``, for arranging what no page makes: contracts."""
    app = webapp.create_app(
        config.test_settings(
            database_url=f"sqlite:///{stack.data_dir / 'rollcall.db'}",
            redis_url=stack.redis_url,
            data_dir=stack.data_dir,
        )
    )
    yield app
    with app.app_context():
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture(scope="session")
def new_site(behind: Flask, stack: Stack) -> Callable[..., Site]:
    """``new_site(features=False)`` makes another contract in which the three demo accounts have their roles."""
    numbers = itertools.count(1)

    def make(**options: object) -> Site:
        return make_site(behind, stack, f"journey-{next(numbers)}", **options)  # type: ignore[arg-type]

    return make


@pytest.fixture
def site(new_site: Callable[..., Site]) -> Iterator[Site]:
    """A contract for this test alone. The sandbox has its default people before and after."""
    site = new_site()
    yield site
    site.control("POST", "reset")
