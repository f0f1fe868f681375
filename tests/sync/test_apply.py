"""How much a run costs: statements grow with people / batch, and with nothing at all when nothing changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from tests.sync.office import Office, open_office, statements
from tests.sync.people import person
from webapp.core.bulk_rows import insert_rows
from webapp.core.database import write_connection
from webapp.core.models import SyncChange, User, table_of
from webapp.platforms.base import LeftOut, Person
from webapp.sync.plan import load_known
from webapp.sync.plan.types import Rule

BATCH = 500


def crowd(count: int, name: str = "Person") -> list[Person]:
    return [person(f"{n:06}", f"{name} {n}", f"p{n}@example.com") for n in range(count)]


def cost(office: Office, people: list[Person]) -> int:
    """How many statements a run over ``people`` executes."""
    office.platform.people_there = people
    run = office.request()
    with statements(office.engine) as seen:
        office.work(run)
    assert office.run(run.id).state == "completed"
    return len(seen)


def big_office(office: Office) -> Office:
    fresh = open_office(office.app)
    fresh.batch_size = BATCH
    return fresh


def test_a_first_import_costs_the_same_few_statements_for_every_batch(office: Office) -> None:
    one, two, six = (cost(big_office(office), crowd(batches * BATCH)) for batches in (1, 2, 6))
    per_batch = two - one
    assert 0 < per_batch <= 13  # three of them look for users who might match, one for links changed by hand
    assert six - two == 4 * per_batch


def test_a_run_that_finds_nothing_new_executes_a_constant_number_of_statements(office: Office) -> None:
    costs = []
    for count in (500, 3000):
        fresh = big_office(office)
        fresh.platform.set_aside = [LeftOut("bot", "Fin", None, "bot")]
        cost(fresh, crowd(count))
        costs.append(cost(fresh, crowd(count)))
    assert costs[0] == costs[1] <= 30


def test_a_run_costs_by_what_changed_and_not_by_who_is_there(office: Office) -> None:
    def costs_of_one_change(count: int) -> int:
        fresh = big_office(office)
        people = crowd(count)
        cost(fresh, people)
        return cost(fresh, [person("000000", "Renamed", "p0@example.com"), *people[1:]])

    assert costs_of_one_change(500) == costs_of_one_change(3000)


@pytest.mark.parametrize("change", [lambda n: crowd(n, "Renamed"), lambda n: [*crowd(n)[: n - n // 10]]])
def test_renaming_and_marking_are_set_based_too(
    office: Office, change: Callable[[int], list[Person]]
) -> None:
    costs = []
    for count in (100, 200, 600):
        fresh = big_office(office)
        fresh.batch_size = 100
        cost(fresh, crowd(count))
        costs.append(cost(fresh, change(count)))
    assert costs[2] - costs[1] <= 4 * max(costs[1] - costs[0], 1)


def test_many_thousand_strangers_are_looked_up_among_all_users_in_one_statement(office: Office) -> None:
    office.user("Known", "p3@example.com")
    strangers = crowd(load_known.LOOKUP_LIMIT + 1)
    with statements(office.engine) as seen, office.engine.connect() as connection:
        found = load_known.users_for(connection, office.contract_id, office.integration_id, strangers, Rule())
    assert ([user.username_key for user in found], len(seen)) == (["p3@example.com"], 1)
    with office.engine.connect() as connection:
        few = load_known.users_for(
            connection, office.contract_id, office.integration_id, strangers[:10], Rule()
        )
    assert few == found


@pytest.mark.parametrize("others", [1, load_known.LOOKUP_LIMIT], ids=["few", "many"])
def test_settled_people_are_found_among_few_and_many(office: Office, others: int) -> None:
    office.sync(person("101", "Ada", "ada@example.com"))
    ada = {entry.id for entry in office.remembered().values()}
    strangers = [f"x{number}" for number in range(others)]
    with office.engine.connect() as connection:
        for remote_ids, looked_at, expected in (
            ([*strangers, "101"], set(), True),
            (strangers, set(), False),
            (["101"], ada, False),
            ([*strangers, "101"], ada, False),
            ([*strangers, "101"], {-1}, True),
        ):
            assert (
                load_known.lists_settled(connection, office.integration_id, remote_ids, looked_at) is expected
            )


def test_chunks_are_slices_that_lose_nobody() -> None:
    assert [list(chunk) for chunk in load_known.chunks(range(7), 3)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(load_known.chunks([], 3)) == []


# ------------------------------------------------------------------ rows through the driver
def test_bulk_rows_are_stored_as_the_tables_types_say_and_doubles_are_passed_over(office: Office) -> None:
    run = office.request()
    rows = [("1", "Ada", {"value": "ü'\"%s"}), ("2", "Bob", None)]
    with write_connection() as connection:
        for names in (rows, [("1", "Other", None), ("3", "Cyn", None)], []):
            insert_rows(
                connection,
                table_of(SyncChange),
                ("remote_id", "person_name", "detail"),
                names,
                {"run_id": run.id, "kind": "conflict"},
                pass_over=("run_id", "remote_id", "kind"),
            )
    lines = office.lines(run)
    assert [(line.remote_id, line.person_name, line.detail) for line in lines] == [
        ("1", "Ada", {"value": "ü'\"%s"}),
        ("2", "Bob", None),
        ("3", "Cyn", None),
    ]


def test_bulk_rows_that_break_a_rule_are_refused_as_a_whole(office: Office) -> None:
    office.sync(person("101", "Ada", "ada@example.com"))
    moments = _moments(office)
    with pytest.raises(sa.exc.IntegrityError), write_connection() as connection:
        insert_rows(
            connection,
            table_of(User),
            ("name", "name_key", "username", "username_key"),
            [("New", "new", "new-one", "new-one"), ("Ada", "ada", "ADA@example.com", "ada@example.com")],
            {"contract_id": office.contract_id, "status": "pending", "search_key": "", **moments},
        )
    assert set(office.users()) == {"ada@example.com"}


def _moments(office: Office) -> dict[str, object]:
    user = office.users()["ada@example.com"]
    return {"status_since": user.status_since, "created_at": user.created_at, "changed_at": user.changed_at}
