"""A page of a contract with 100,000 people reads what it shows, and not what everybody has."""

from __future__ import annotations

import pytest

from tests.actors import Actor
from tests.users.world import World, query_plans

OWNED = ("user_roles", "user_teams", "reporting_access", "people")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite's plans do not depend on how many rows there are; Postgres weighs them."""
    return sqlite_url


def plans_of(actor: Actor, world: World, path: str) -> list[str]:
    def read() -> None:
        assert actor.get(f"{world.url}{path}").status_code == 200

    return query_plans(world.app, read)


def test_what_people_have_is_read_person_by_person(world: World, administrator: Actor) -> None:
    ids = world.add("Anna Kim", "Bartek Nowak", status="active")
    world.give(ids, role="agent", team="Billing", access="Leeds")
    for path in ("", "?q=anna", f"/{ids[0]}", f"/deactivate?ids={ids[0]}"):
        lines = [line for plan in plans_of(administrator, world, path) for line in plan.splitlines()]
        assert not [
            line for line in lines if line.startswith(("SCAN users", *(f"SCAN {name}" for name in OWNED)))
        ]
        reads = [line for line in lines if line.startswith(tuple(f"SEARCH {name} " for name in OWNED))]
        assert len(reads) >= 5
        narrow = ("user_id=?", "outcome=?", "INDEX ix_people_missing ")  # the last lists those who are gone
        assert [line for line in reads if not any(part in line for part in narrow)] == []


def test_every_order_is_that_of_an_index(world: World, administrator: Actor) -> None:
    world.add("Anna Kim", "Bartek Nowak")
    for sort in ("name", "-name", "username", "-username", "since", "-since", "email", "-email"):
        plans = plans_of(administrator, world, f"?status=pending&sort={sort}")
        on_users = [plan for plan in plans if plan.startswith("SEARCH users")]
        assert len(on_users) >= 3
        # Only those with one email, or none, are put into the order of their IDs.
        whole = [plan for plan in on_users if "TEMP B-TREE FOR ORDER BY" in plan and "contracts" not in plan]
        assert whole == []
