"""One web for the tests of a module, whose deadlines are longer than any test waits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.databases import SqliteTemplate
from tests.servers.ports import port_run
from tests.servers.web import Web, running_web

PATIENT = {"WEB_HEAD_SECONDS": "900", "WEB_BODY_SECONDS": "900", "WEB_SEND_SECONDS": "900"}


@pytest.fixture(scope="module")
def web(
    tmp_path_factory: pytest.TempPathFactory, _sqlite_template: SqliteTemplate, _redis_server: str
) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("web")
    with (
        _sqlite_template.copy() as database_url,
        port_run() as port,
        running_web(folder, port, database_url=database_url, redis_url=_redis_server, **PATIENT) as web,
    ):
        yield web
