"""The product behind each proxy, once for a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.deploy.front import FRONTS, Front
from tests.servers.databases import SqliteTemplate
from tests.servers.ports import port_run
from tests.servers.web import Web, running_web


@pytest.fixture(scope="module")
def web(
    tmp_path_factory: pytest.TempPathFactory, _sqlite_template: SqliteTemplate, _redis_server: str
) -> Iterator[Web]:
    """The web as it is told to run behind one proxy; deadlines of its own are longer than any test waits."""
    environ = {
        "TRUSTED_PROXIES": "1",
        "PUBLIC_URL": "https://127.0.0.1",
        "WEB_HEAD_SECONDS": "900",
        "WEB_BODY_SECONDS": "900",
    }
    folder = tmp_path_factory.mktemp("web")
    with (
        _sqlite_template.copy() as url,
        port_run() as port,
        running_web(folder, port, database_url=url, redis_url=_redis_server, **environ) as web,
    ):
        yield web


@pytest.fixture(scope="module", params=FRONTS)
def front(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, web: Web
) -> Iterator[Front]:
    """A proxy in front of it."""
    folder = tmp_path_factory.mktemp(request.param)
    with port_run() as port, FRONTS[request.param](folder, port, web.port) as front:
        yield front
