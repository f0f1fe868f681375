"""A web server as production starts it, shared by the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.databases import SqliteTemplate
from tests.servers.production import Web, served


@pytest.fixture(scope="module")
def web(
    _sqlite_template: SqliteTemplate, _redis_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Web]:
    with served(_sqlite_template, _redis_server, tmp_path_factory.mktemp("web")) as web:
        yield web
