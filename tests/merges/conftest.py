"""A contract that syncs from two platforms, and an administrator's browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.actors import Actor, make_actor
from tests.conflicts.conftest import Apart
from tests.merges.desk import Human, add_desk
from tests.sync.office import Office, open_office
from webapp.core.models import Contract, db


@pytest.fixture
def office(app: Flask) -> Iterator[Office]:
    with app.app_context():
        yield open_office(app)


@pytest.fixture
def desk(app: Flask, office: Office) -> Office:
    """A second platform of the same contract, which matches by staff number."""
    return add_desk(app, office)


@pytest.fixture
def url(office: Office) -> str:
    return f"/c/{db.session.get_one(Contract, office.contract_id).slug}/users"


@pytest.fixture
def admin(app: Flask, office: Office) -> Iterator[Actor]:
    app.test_client_class = Apart
    yield make_actor(app, office.contract_id, "administrator")
    app.test_client_class = None


@pytest.fixture
def twins(office: Office, desk: Office) -> Human:
    """One human, imported as two users."""
    return Human.imported_twice(office, desk)
