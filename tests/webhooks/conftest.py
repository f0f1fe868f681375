"""An office whose events go to a receiver."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

import config
from tests.actors import Actor, make_actor
from tests.servers.receiver import Receiver, receiver_server
from tests.sync.office import Office, open_office


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiver_server() as running:
        yield running


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> config.Settings:
    """Settings with which a receiver may be on this machine."""
    return config.test_settings(
        database_url=database_url, redis_url=redis_url, data_dir=tmp_path, webhook_loopback=True
    )


@pytest.fixture
def office(app: Flask) -> Iterator[Office]:
    """A contract with a connected platform in memory and User sync on; the app context is pushed."""
    with app.app_context():
        yield open_office(app)


@pytest.fixture
def ines(app: Flask, office: Office) -> Actor:
    """An administrator of the office."""
    return make_actor(app, office.contract_id, "administrator")
