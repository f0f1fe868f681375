"""The world for the tests of this package."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.access.world import World, world


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def there(
    request: pytest.FixtureRequest, _redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A world for the tests of this module; they leave it as it is."""
    template = request.getfixturevalue(f"_{request.param}_template")
    with template.copy() as url, world(url, _redis_server, tmp_path_factory.mktemp("world")) as built:
        yield built


@pytest.fixture
def own(database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world that a test may change."""
    with world(database_url, redis_url, tmp_path_factory.mktemp("world")) as built:
        yield built
