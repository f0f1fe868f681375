"""The sign-in form, filled in and sent."""

from __future__ import annotations

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.actors import csrf_of

EMAIL = "ines@example.com"


def attempt(client: FlaskClient, password: str, email: str = EMAIL, **fields: str) -> TestResponse:
    page = client.get("/sign-in")
    return client.post(
        "/sign-in", data={"csrf_token": csrf_of(page), "email": email, "password": password, **fields}
    )
