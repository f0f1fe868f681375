"""Numbers that nobody would send, where a page reads one out of a form: an answer in words, and nothing changed."""

from __future__ import annotations

import pytest

from tests.actors import Actor
from tests.users.world import World

HUGE = ["9" * 5_000, f"{'9' * 5_000}.1", str(10**12), "-1.1", "²", ""]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Refused before the database is asked; ``access/test_every_input`` sends the same to both."""
    return sqlite_url


@pytest.mark.parametrize("stamp", HUGE, ids=[text[:12] for text in HUGE])
@pytest.mark.parametrize(
    ("way", "status"), [("activate", "pending"), ("deactivate", "active"), ("ignore", "pending")]
)
def test_A12_a_stamp_of_any_number_says_that_the_list_has_changed(
    world: World, manager: Actor, way: str, status: str, stamp: str
) -> None:
    ids = world.add("Anna Kim", "Bartek Nowak", status=status)
    form = {
        "list": f"status={status}&q=n", "scope": "all", "stamp": stamp, "confirm": "y",
        "roles": world.roles["agent"], "team": world.teams["Billing"],
    }  # fmt: skip
    answer = manager.post(f"{world.url}/{way}/confirm", form)
    assert answer.status_code == 409
    assert 'id="main"' in answer.text
    assert world.statuses(ids) == [status, status]


@pytest.mark.parametrize(
    "days", ["999999999999", "9" * 5_000, "0", "-3", "1e400", "²"], ids=lambda text: text[:12]
)
@pytest.mark.parametrize("when", ["after", "never"])
def test_A12_days_of_any_number_leave_the_rule_as_it_was(
    world: World, administrator: Actor, when: str, days: str
) -> None:
    form = {"when": when, "days": days, "preview": "y"}
    answer = administrator.post(f"{world.url}/leavers/rule", form)
    assert answer.status_code == (422 if when == "after" else 200)
    assert ("Enter a whole number of days from 1 to 365." in answer.text) == (when == "after")
