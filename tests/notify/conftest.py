"""An office with an administrator who hears of what happens there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.actors import Actor, make_actor
from tests.sync.office import Office, open_office


@pytest.fixture
def office(app: Flask) -> Iterator[Office]:
    """A contract with a connected platform in memory and User sync on; the app context is pushed."""
    with app.app_context():
        yield open_office(app)


@pytest.fixture
def ines(app: Flask, office: Office) -> Actor:
    """An administrator of the office, who has chosen nothing yet."""
    return make_actor(app, office.contract_id, "administrator", email="ines@example.com")
