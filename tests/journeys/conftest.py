"""Each journey begins with a contract of its own, so that any order of the tests works."""

from __future__ import annotations

import pytest

from tests.journeys.contracts import Journey, new_journey
from tests.servers.stack import Stack


@pytest.fixture
def journey(stack: Stack) -> Journey:
    """A new contract for this test alone, with 60 licences."""
    return new_journey(stack)
