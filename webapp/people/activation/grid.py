"""The grid: a row for each person, read from what was typed, with what is wrong beside its field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from werkzeug.datastructures import MultiDict

from webapp.core.numbers import id_in
from webapp.people.activation.grid_suggestions import Suggestion
from webapp.people.directory.directory import Directory
from webapp.people.directory.lookup import NotFound, Places
from webapp.people.directory.rows import UserRow
from webapp.people.directory.setup import Giver, SetUp, access_refusal, beyond, lacking, role_refusal, unseen

MOST = 100  # people in one grid
NO_ROLE = 0  # the ID for what no tick box holds
SEPARATOR = "; "  # between several parts of the structure in one field


@dataclass
class GridRow:
    """Somebody in the grid. ``team`` and ``access`` are as typed; ``errors`` are sentences by field."""

    user: UserRow
    roles: frozenset[int] = frozenset()
    team: str = ""
    access: str = ""
    suggestion: Suggestion | None = None
    set_up: SetUp | None = None
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return not (self.roles or self.team or self.access)

    def take(self, set_up: SetUp, directory: Directory) -> None:
        """Fill the fields in with ``set_up``."""
        self.roles = set_up.roles
        self.team = "".join(directory.team_paths([set_up.team or 0]))
        self.access = SEPARATOR.join(directory.team_paths(set_up.access))


def read_rows(people: Sequence[UserRow], typed: MultiDict[str, str]) -> list[GridRow]:
    """A row for each of ``people``, with what was typed for them."""
    return [
        GridRow(
            user,
            frozenset(id_in(text) or NO_ROLE for text in typed.getlist(f"roles-{user.id}")),
            typed.get(f"team-{user.id}", "").strip(),
            typed.get(f"access-{user.id}", "").strip(),
        )
        for user in people
    ]


def suggest_for(rows: Iterable[GridRow], found: Mapping[int, Suggestion]) -> None:
    """Lay what was ``found``, by user ID, beside the rows."""
    for row in rows:
        row.suggestion = found.get(row.user.id)


def use_suggestions(rows: Iterable[GridRow], wanted: str, directory: Directory) -> int:
    """Fill in what is suggested: for the row of one user's ID, or with “all” for rows still empty. How many."""
    filled = 0
    for row in rows:
        if row.suggestion is not None and (str(row.user.id) == wanted or (wanted == "all" and row.empty)):
            row.take(row.suggestion.set_up, directory)
            filled += 1
    return filled


def fill_down(rows: Iterable[GridRow]) -> int:
    """Give each empty row what was typed in the nearest row above it that is not. How many."""
    filled = 0
    above: GridRow | None = None
    for row in rows:
        if not row.empty:
            above = row
        elif above is not None:
            row.roles, row.team, row.access = above.roles, above.team, above.access
            filled += 1
    return filled


def check(rows: Sequence[GridRow], directory: Directory, giver: Giver) -> bool:
    """Give each row its set-up, or say beside its fields what is missing; whether every row has one."""
    places = Places(directory)
    for row in rows:
        row.errors = {}
        team = _team(row, places)
        access = _access(row, places)
        if not row.errors:
            for gap in lacking(row.roles, team is not None, bool(access), directory):
                name, text = MISSING[gap]
                row.errors[name] = text
        if row.roles - directory.role_by_id.keys():
            row.errors["roles"] = GONE
        if too_much := beyond(row.roles, giver.permissions, directory):
            row.errors["roles"] = role_refusal(too_much)
        if hidden := unseen(access, giver, directory):
            row.errors["access"] = access_refusal(hidden)
        row.set_up = None if row.errors else SetUp(row.roles, team, access)
    return all(row.set_up is not None for row in rows)


GONE = "A role that was chosen here is not there any more. Look at the roles again."
MISSING = {
    "role": ("roles", "Choose at least one role."),
    "team": ("team", "Choose a team: every agent needs one."),
    "reporting": ("access", "Choose a part of the structure: every role other than Agent needs it."),
}


def _team(row: GridRow, places: Places) -> int | None:
    try:
        return places.team(row.team) if row.team else None
    except NotFound as problem:
        row.errors["team"] = str(problem)
        return None


def _access(row: GridRow, places: Places) -> frozenset[int]:
    try:
        return places.teams(row.access)
    except NotFound as problem:
        row.errors["access"] = str(problem)
        return frozenset()
