"""An office whose people leave and come back, with those who look after it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.actors import Actor, make_actor
from tests.leavers.house import House
from tests.sync.office import open_office


@pytest.fixture
def house(app: Flask) -> Iterator[House]:
    """Ten active teammates of Intercom, synced a moment ago; the app context is pushed."""
    with app.app_context():
        yield House.open(open_office(app))


@pytest.fixture
def admin(app: Flask, house: House) -> Actor:
    return make_actor(app, house.office.contract_id, "administrator", email="admin@example.com")


@pytest.fixture
def manager(app: Flask, house: House) -> Actor:
    return make_actor(app, house.office.contract_id, "manager", email="manager@example.com")
