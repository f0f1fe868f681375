"""One sandbox for all tests of a process, as new before each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.caller import Caller
from tests.servers.sandbox import Sandbox, sandbox_server


@pytest.fixture(scope="session")
def _intercom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with sandbox_server("intercom", tmp_path_factory.mktemp("intercom")) as running:
        yield running


@pytest.fixture
def caller(_intercom: Sandbox) -> Caller:
    """A client of a sandbox with its default data and no faults."""
    caller = Caller(_intercom)
    caller.control("POST", "reset")
    return caller


@pytest.fixture
def token(caller: Caller) -> str:
    return caller.token()
