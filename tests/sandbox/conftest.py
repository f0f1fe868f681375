"""An app that was let in."""

from __future__ import annotations

import pytest

from tests.sandbox.caller import Caller


@pytest.fixture
def token(caller: Caller) -> str:
    return caller.token()
