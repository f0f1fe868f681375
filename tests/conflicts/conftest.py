"""An office in each of the two databases, and a browser of its administrator."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import Context

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.actors import Actor, make_actor
from tests.sync.office import Office, open_office
from webapp.core.models import Contract, db


@pytest.fixture
def office(app: Flask) -> Iterator[Office]:
    with app.app_context():
        yield open_office(app)


@pytest.fixture
def slug(office: Office) -> str:
    return db.session.get_one(Contract, office.contract_id).slug


class Apart(FlaskClient):
    """A client whose requests do not run in the context that the test has pushed, as those of a browser do not."""

    def open(self, *args: object, **options: object) -> TestResponse:
        return Context().run(super().open, *args, **options)  # type: ignore[arg-type]


@pytest.fixture
def actor_of(app: Flask) -> Iterator[object]:
    """``actor_of(contract_id, role)`` signs somebody in."""
    app.test_client_class = Apart
    yield lambda contract_id, role="administrator": make_actor(app, contract_id, role)
    app.test_client_class = None


@pytest.fixture
def admin(office: Office, actor_of: object) -> Actor:
    return actor_of(office.contract_id)  # type: ignore[operator, no-any-return]
