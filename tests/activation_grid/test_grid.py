"""Reading a grid: what was typed for each person, and what is wrong with it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from webapp.people.activation.grid import GridRow, check, fill_down, read_rows, suggest_for, use_suggestions
from webapp.people.activation.grid_suggestions import Suggestion, Trait
from webapp.people.directory.directory import Directory, RoleEntry, TeamEntry
from webapp.people.directory.setup import Giver, SetUp

AGENT, LEADER, BOSS = 1, 2, 3
DIRECTORY = Directory(
    7,
    (
        RoleEntry(AGENT, "agent", "Agent", "", frozenset()),
        RoleEntry(LEADER, "team_leader", "Team Leader", "", frozenset()),
        RoleEntry(BOSS, None, "Boss", "", frozenset({"everything"})),
    ),
    (
        TeamEntry(10, "Leeds", "Leeds", 1),
        TeamEntry(11, "Billing", "Leeds › Billing", 2),
        TeamEntry(12, "Porto", "Porto", 1),
        TeamEntry(13, "Billing", "Porto › Billing", 2),
        TeamEntry(14, "Phone", "Porto › Phone", 2),
    ),
    {},
)
GIVER = Giver(frozenset(), frozenset(DIRECTORY.team_by_id))
LIKE_THEM = Suggestion(SetUp(frozenset({AGENT}), 14, frozenset()), Trait("domain", "example.com"), 2, 2)


def rows(typed: dict[str, Any], *ids: int, suggestions: dict[int, Suggestion] | None = None) -> list[GridRow]:
    people: Any = [SimpleNamespace(id=one) for one in ids or (1,)]
    found = read_rows(people, MultiDict(typed))
    suggest_for(found, suggestions or {})
    return found


def checked(**typed: Any) -> GridRow:
    (row,) = rows({f"{name}-1": value for name, value in typed.items()})
    check([row], DIRECTORY, GIVER)
    return row


def test_each_row_has_its_own_roles_team_and_access() -> None:
    first, second = rows(
        {"roles-1": ["1"], "team-1": "porto › phone", "roles-2": ["1", "2"], "team-2": "Phone",
         "access-2": " Leeds ; Porto"},
        1, 2,
    )  # fmt: skip
    assert check([first, second], DIRECTORY, GIVER)
    assert first.set_up == SetUp(frozenset({AGENT}), 14, frozenset())
    assert second.set_up == SetUp(frozenset({AGENT, LEADER}), 14, frozenset({10, 12}))


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({}, "roles", "Choose at least one role."),
        ({"roles": "1"}, "team", "every agent needs one"),
        ({"roles": "2"}, "access", "every role other than Agent"),
        ({"roles": "1", "team": "Sales"}, "team", "“Sales” is not a team here."),
        (
            {"roles": "1", "team": "billing"},
            "team",
            "Several teams are called “billing”. Write “Leeds › Billing” or",
        ),
        ({"roles": "2", "access": "Leeds; Sales"}, "access", "“Sales” is not a team here."),
        ({"roles": "3", "access": "Leeds"}, "roles", "You cannot give Boss"),
        (
            {"roles": ["1", "99"], "team": "Phone"},
            "roles",
            "A role that was chosen here is not there any more.",
        ),
        (
            {"roles": "9" * 5000, "team": "Phone"},
            "roles",
            "A role that was chosen here is not there any more.",
        ),
    ],
)
def test_what_is_missing_or_unknown_is_said_beside_its_field(
    typed: dict[str, Any], field: str, words: str
) -> None:
    row = checked(**typed)
    assert row.set_up is None
    assert words in row.errors[field]


def test_suggestions_are_used_for_one_or_for_all_that_are_empty_and_never_by_themselves() -> None:
    typed = {"roles-1": "2", "access-1": "Leeds"}
    suggestions = {1: LIKE_THEM, 2: LIKE_THEM}
    first, second, third = rows(typed, 1, 2, 3, suggestions=suggestions)
    assert second.empty
    assert use_suggestions([first, second, third], "all", DIRECTORY) == 1
    assert (second.roles, second.team, second.access) == ({AGENT}, "Porto › Phone", "")
    assert (first.roles, third.empty) == ({LEADER}, True)
    assert use_suggestions([first, second, third], "1", DIRECTORY) == 1
    assert first.roles == {AGENT}
    assert check([first, second], DIRECTORY, GIVER)


def test_empty_rows_are_filled_like_the_nearest_one_above() -> None:
    typed = {"roles-2": "1", "team-2": "Phone", "access-4": "Leeds"}
    grid = rows(typed, 1, 2, 3, 4, 5, 6)
    assert fill_down(grid) == 3
    assert [(set(row.roles), row.team, row.access) for row in grid] == [
        (set(), "", ""),
        ({AGENT}, "Phone", ""),
        ({AGENT}, "Phone", ""),
        (set(), "", "Leeds"),
        (set(), "", "Leeds"),
        (set(), "", "Leeds"),
    ]
    assert fill_down(grid) == 0
