"""A contract with people, a manager, and an active user who cannot sign in yet."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.actors import Actor, make_actor
from tests.invitations.guests import Guests
from tests.users.world import World, make_world


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite, where the database makes no difference."""
    return sqlite_url


@pytest.fixture
def world(app: Flask) -> World:
    return make_world(app)


@pytest.fixture
def manager(app: Flask, world: World) -> Actor:
    return make_actor(app, world.contract_id, "manager", email="mona@example.com")


@pytest.fixture
def guests(app: Flask, world: World, manager: Actor) -> Guests:
    return Guests(app, world, manager)
