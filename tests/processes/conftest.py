"""A deployment in each of the two databases, with a Redis of its own that may be stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

import config
from tests.processes.deployment import Deployment, OwnRedis, deployed_environ
from tests.sandbox.caller import Caller
from tests.sync.office import open_office


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    redis = OwnRedis(tmp_path / "redis")
    redis.start()
    yield redis
    redis.stop()


@pytest.fixture
def redis_url(own_redis: OwnRedis) -> str:
    return own_redis.url


@pytest.fixture
def deployment(
    app: Flask, settings: config.Settings, caller: Caller, own_redis: OwnRedis, tmp_path: Path
) -> Iterator[Deployment]:
    """A connected contract, and nothing running beside Redis and the sandbox yet."""
    environ = deployed_environ(
        tmp_path / "var",
        database_url=settings.database_url,
        redis_url=own_redis.url,
        sandbox_url=caller.sandbox.url,
        key=settings.credential_keys[0],
    )
    with app.app_context():
        deployment = Deployment(open_office(app), caller, own_redis, tmp_path, environ)
        deployment.connected(deployment.office)
        yield deployment
        deployment.stop()
