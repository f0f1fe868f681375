"""An office in each of the two databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.sync.office import Office, open_office


@pytest.fixture
def office(app: Flask) -> Iterator[Office]:
    """A contract with a connected platform in memory and User sync on; the app context is pushed."""
    with app.app_context():
        yield open_office(app)
