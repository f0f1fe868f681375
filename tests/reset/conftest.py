"""Somebody who can sign in."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.actors import Actor, make_actor, make_contract


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite: the database makes no difference here."""
    return sqlite_url


@pytest.fixture
def contract_id(app: Flask) -> int:
    return make_contract(app, "acme")


@pytest.fixture
def ines(app: Flask, contract_id: int) -> Actor:
    return make_actor(app, contract_id, "administrator", email="ines@example.com")
