"""Which columns there are to choose from, and what a run remembers of them."""

from __future__ import annotations

from tests.sync.office import Office
from tests.sync.people import person
from webapp.integrations.user_sync.columns import column_rows
from webapp.sync.plan.columns import MAX_COLUMNS, describe


def test_each_column_is_told_with_how_many_have_it_and_how_many_values_differ() -> None:
    people = [
        {"email": "a@x.example", "title": "Agent", "staff": "S1"},
        {"email": "b@x.example", "title": " agent "},
        {"email": "c@x.example", "title": "Lead", "staff": "  "},
    ]
    assert describe(people) == [
        {"name": "email", "filled": 3, "total": 3, "distinct": 3, "example": "a@x.example"},
        {"name": "title", "filled": 3, "total": 3, "distinct": 2, "example": "Agent"},
        {"name": "staff", "filled": 1, "total": 3, "distinct": 1, "example": "S1"},
    ]


def test_a_column_of_one_person_is_last_and_not_offered() -> None:
    people = [{"email": f"{n % 9}@x.example"} for n in range(10)] + [{"email": "z@x.example", "big": "1"}]
    seen = describe(people)
    assert [column["name"] for column in seen] == ["email", "big"]
    email, big = column_rows(seen)
    assert (email.filled, email.usable, email.why_not) == ("100%", False, "Not unique")
    assert (big.filled, big.usable, big.why_not) == ("9%", False, "Too few have it")
    (rare,) = column_rows([{"name": "big", "filled": 1, "total": 226, "distinct": 1, "example": "1"}])
    assert rare.filled == "1 of 226"


def test_nobody_has_no_columns() -> None:
    assert describe([]) == []
    assert describe([{}]) == []


def test_long_examples_and_many_columns_are_cut() -> None:
    described = describe([{f"column {n:03}": "x" * 300 for n in range(200)}])
    assert len(described) == MAX_COLUMNS
    assert {len(entry["example"]) for entry in described} == {80}


# ------------------------------------------------------------------ runs
def names(office: Office) -> dict[str, tuple[int, int]]:
    return {
        entry["name"]: (entry["filled"], entry["total"]) for entry in office.sync_settings.columns_seen or []
    }


def test_the_first_run_suggests_the_columns_and_later_ones_keep_them_up_to_date(office: Office) -> None:
    office.sync(person("101", "Ada", "ada@example.com", staff="S1"), person("102", "Bob", "bob@example.com"))
    assert names(office) == {"id": (2, 2), "email": (2, 2), "staff": (1, 2)}
    seen_at = office.sync_settings.columns_seen_at
    office.sync()
    assert office.sync_settings.columns_seen_at == seen_at  # nothing can have changed
    office.sync(
        person("101", "Ada", "ada@example.com", staff="S1"),
        person("102", "Bob", "bob@example.com", staff="S2"),
    )
    assert names(office) == {"id": (2, 2), "email": (2, 2), "staff": (2, 2)}


def test_a_changed_identifier_makes_everybody_be_looked_at_again_and_keeps_the_links(office: Office) -> None:
    people = [person("101", "Ada", "ada@example.com", staff="S1"), person("102", "Bob", "bob@example.com")]
    office.sync(*people)
    links = {key: entry.user_id for key, entry in office.remembered().items()}
    office.configure(identifier_column="staff")
    run = office.sync()
    assert (run.state, run.unchanged, office.changes(run)) == ("completed", 2, [])
    assert {key: entry.user_id for key, entry in office.remembered().items()} == links
