"""A contract with people, and a manager who activates them."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.actors import Actor, make_actor
from tests.users.world import World, make_world


@pytest.fixture
def world(app: Flask) -> World:
    return make_world(app)


@pytest.fixture
def manager(app: Flask, world: World) -> Actor:
    return make_actor(app, world.contract_id, "manager")
