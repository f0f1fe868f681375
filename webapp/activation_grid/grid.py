"""The grid: a row for each person, read from what was typed, with what is wrong beside its field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from werkzeug.datastructures import MultiDict

from webapp.activation_grid.suggesting import Suggestion
from webapp.users.directory import Directory
from webapp.users.rows import UserRow
from webapp.users.set_up import SetUp, beyond, lacking

MOST = 100  # people in one grid
SEPARATOR = ";"  # between several parts of the structure in one field


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
        self.access = f"{SEPARATOR} ".join(directory.team_paths(set_up.access))


def read_rows(
    people: Sequence[UserRow],
    typed: MultiDict[str, str],
    directory: Directory,
    suggestions: dict[int, Suggestion],
) -> list[GridRow]:
    """A row for each of ``people``, with what was typed for them. Roles that there are not are left out."""
    rows = []
    for user in people:
        roles = {int(text) for text in typed.getlist(f"roles-{user.id}") if text.isascii() and text.isdigit()}
        rows.append(
            GridRow(
                user,
                frozenset(roles & directory.role_by_id.keys()),
                typed.get(f"team-{user.id}", "").strip(),
                typed.get(f"access-{user.id}", "").strip(),
                suggestions.get(user.id),
            )
        )
    return rows


def use_suggestions(rows: Iterable[GridRow], wanted: str, directory: Directory) -> int:
    """Fill in what is suggested: for the row of one user's ID, or with “all” for rows still empty. How many."""
    filled = 0
    for row in rows:
        if row.suggestion is not None and (str(row.user.id) == wanted or (wanted == "all" and row.empty)):
            row.take(row.suggestion.set_up, directory)
            filled += 1
    return filled


def check(rows: Sequence[GridRow], directory: Directory, permissions: frozenset[str]) -> bool:
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
        if too_much := beyond(row.roles, permissions, directory):
            names = " or ".join(role.name for role in too_much)
            row.errors["roles"] = f"You cannot give {names}: it permits more than you may do yourself."
        row.set_up = None if row.errors else SetUp(row.roles, team, access)
    return all(row.set_up is not None for row in rows)


MISSING = {
    "role": ("roles", "Choose at least one role."),
    "team": ("team", "Choose a team: every agent needs one."),
    "reporting": ("access", "Choose a part of the structure: every role other than Agent needs it."),
}


class Places:
    """Finds parts of the structure by what was typed: the path as the list shows it, or a name only one has."""

    def __init__(self, directory: Directory) -> None:
        self._by_words: dict[str, int | None] = {}
        for team in directory.open_teams:
            name = team.name.casefold()
            self._by_words[name] = None if name in self._by_words else team.id
        self._by_words |= {team.path.casefold(): team.id for team in directory.open_teams}

    def find(self, words: str) -> int:
        """The ID of the part. Raises ``ValueError`` with a sentence."""
        folded = words.casefold()
        if folded not in self._by_words:
            raise ValueError(f"There is no “{words}” in the structure. Choose one from the list.")
        found = self._by_words[folded]
        if found is None:
            raise ValueError(f"There is more than one “{words}”. Choose the one you mean from the list.")
        return found


def _team(row: GridRow, places: Places) -> int | None:
    try:
        return places.find(row.team) if row.team else None
    except ValueError as problem:
        row.errors["team"] = str(problem)
        return None


def _access(row: GridRow, places: Places) -> frozenset[int]:
    try:
        return frozenset(places.find(part.strip()) for part in row.access.split(SEPARATOR) if part.strip())
    except ValueError as problem:
        row.errors["access"] = str(problem)
        return frozenset()
