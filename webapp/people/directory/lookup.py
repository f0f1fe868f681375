"""Roles and teams as people write them in a file: found by name or path, with what may have been meant. Pure.

What one page costs is bounded whatever is written: each name is looked up by key, no cell is read beyond
:data:`CELL_MOST` names and no page beyond :data:`PAGE_MOST`, and what may have been meant is looked for once for each
of :data:`LOOKED_FOR` names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from webapp.core.match_keys import match_key
from webapp.people.directory.directory import PATH_SIGN, Directory, RoleEntry, TeamEntry
from webapp.people.uploads.nearest import Nearest

_BETWEEN = re.compile(r"([;|,])")
_HOLDS = 4  # separators that a single name may hold
_STEPS = re.compile(r"[›>/]")
LISTED = 8  # names that a sentence lists
LISTED_LENGTH = 400  # characters of names after which a sentence lists no more
QUOTED = 100  # characters of what was written that a sentence repeats
LONGEST = 2_000  # characters; more is no name: seven of the longest ones with signs between are less
LOOKED_FOR = 100  # unknown names of one page for which the nearest one is looked for
CELL_MOST = 50  # names in one cell
PAGE_MOST = 20_000  # names in all cells of one page


class NotFound(Exception):
    """No role or team is called so; the text says what there is."""


class Places:
    """Where the names of one contract's roles and teams lead."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._read = 0  # names so far
        self._keys: dict[str, str] = {}
        self._roles: dict[str, list[RoleEntry]] = {}
        self._role_by_name: dict[str, list[RoleEntry]] = {}
        for role in directory.roles:
            self._role_by_name.setdefault(role.name, []).append(role)
            for key in {match_key(role.name), match_key(role.key)} - {None}:
                self._roles.setdefault(key or "", []).append(role)
        self._teams: dict[str, list[TeamEntry]] = {}
        self._archived: dict[str, list[TeamEntry]] = {}
        self._by_path: dict[str, list[TeamEntry]] = {}
        steps: list[str] = []
        for team in directory.teams:
            steps = [*steps[: team.depth], _key(team.name)]
            ends = self._archived if team.archived else self._teams
            for start in range(len(steps)):  # any end of the path names it, as long as no other ends so
                ends.setdefault("\n".join(steps[start:]), []).append(team)
            if not team.archived:
                self._by_path.setdefault(team.path, []).append(team)
        self._meant_roles = _Meant([role.name for role in directory.roles], "The roles are")
        self._meant_teams = _Meant([team.path for team in directory.open_teams], "The teams are")

    def roles(self, cell: str) -> frozenset[int]:
        """The IDs of the roles in a cell. Raises :class:`NotFound`."""
        return frozenset(self.role(name) for name in self._several(cell, self._has_role))

    def role(self, name: str) -> int:
        found = self._role_by_name.get(name) or self._roles.get(self._key(name), [])
        if len(found) == 1:
            return found[0].id
        raise NotFound(f"{_quoted(name)} is not a role here. {self._meant_roles.by(self._key(name))}")

    def teams(self, cell: str) -> frozenset[int]:
        """The IDs of the teams in a cell. Raises :class:`NotFound`."""
        return frozenset(self.team(name) for name in self._several(cell, self._has_team))

    def team(self, name: str) -> int:
        """The ID of the team of that name, or at the end of that path. Raises :class:`NotFound`."""
        found = self._found_teams(name, self._teams)
        if len(found) == 1:
            return found[0].id
        if found:
            which = " or ".join(_first([f"“{team.path}”" for team in found]))
            raise NotFound(f"Several teams are called {_quoted(name)}. Write {which}.")
        if self._found_teams(name, self._archived):
            raise NotFound(
                f"{_quoted(name)} is archived, so nobody is put there any more. Choose another team."
            )
        raise NotFound(f"{_quoted(name)} is not a team here. {self._meant_teams.by(self._key(name))}")

    def _found_teams(self, name: str, ends: dict[str, list[TeamEntry]]) -> list[TeamEntry]:
        if len(name) > LONGEST:
            return []
        exact = self._by_path.get(name.strip(), []) if ends is self._teams else []
        if len(exact) == 1:
            return exact
        return ends.get("\n".join(map(self._key, _STEPS.split(name)))) or ends.get(self._key(name), [])

    def _has_role(self, name: str) -> bool:
        return self._key(name) in self._roles

    def _has_team(self, name: str) -> bool:
        return bool(self._found_teams(name, self._teams))

    def _key(self, name: str) -> str:
        """The key of a name as written; empty, which nothing is called, for what is longer than any name."""
        if len(name) > LONGEST:
            return ""
        if name not in self._keys:
            self._keys[name] = _key(name)
        return self._keys[name]

    def _several(self, cell: str, known: Callable[[str], bool]) -> Iterator[str]:
        """The names in a cell, one after another. Raises :class:`NotFound` where there are too many of them."""
        for count, name in enumerate(_several(cell, known), start=1):
            self._read += 1
            if count > CELL_MOST:
                raise NotFound(
                    f"It holds more than {CELL_MOST} names. Name a part of the structure that holds several."
                )
            if self._read > PAGE_MOST:
                raise NotFound(
                    f"More than {PAGE_MOST:,} roles and teams are named before this row. "
                    "Split the file into several."
                )
            yield name


class _Meant:
    """Sentences on which of ``names`` is nearest to another one, or on what there is."""

    def __init__(self, names: Sequence[str], otherwise: str) -> None:
        self._names = names
        self._otherwise = otherwise
        self._nearest: Nearest | None = None
        self._by_key: dict[str, str] = {}

    def by(self, key: str) -> str:
        """The sentence for a key. Asked for more than :data:`LOOKED_FOR` of them, it only says what there is."""
        if key not in self._by_key and len(self._by_key) < LOOKED_FOR:
            self._by_key[key] = self._near(key)
        return self._by_key.get(key) or self._there

    def _near(self, key: str) -> str:
        """The nearest in words; empty when nothing is near."""
        if self._nearest is None:
            self._nearest = Nearest(self._named())
        near = self._nearest.to(key)
        return f"Did you mean {' or '.join(f'“{name}”' for name in near)}?" if near else ""

    def _named(self) -> dict[str, str]:
        """The names by key, and by the key of their last step."""
        keys: dict[str, str] = {}
        for name in self._names:
            keys.setdefault(_key(name), name)
            keys.setdefault(_key(name.rpartition(PATH_SIGN)[2]), name)
        return keys

    @cached_property
    def _there(self) -> str:
        if not self._names:
            return "There is none yet."
        listed = _first(self._names)
        left = len(self._names) - len(listed)
        more = f" and {left:,} more" if left else ""
        return f"{self._otherwise} {', '.join(listed)}{more}."


def _key(name: str) -> str:
    return match_key(name) or ""


def _quoted(name: str) -> str:
    """What was written, as far as it helps to find it."""
    return f"“{name}”" if len(name) <= QUOTED else f"“{name[:QUOTED]}…”"


def _first(names: Sequence[str]) -> list[str]:
    """As many of ``names`` as a sentence can list, at least one."""
    listed: list[str] = []
    for name in names[:LISTED]:
        if listed and sum(map(len, listed)) + len(name) > LISTED_LENGTH:
            break
        listed.append(name)
    return listed


def _several(cell: str, known: Callable[[str], bool]) -> Iterator[str]:
    """The names in a cell, with ; or | or commas or line breaks between; a known name may itself hold some of these."""
    for line in cell.splitlines():
        parts = _BETWEEN.split(line)  # a text, then a separator and a text, and so on
        start = 0
        while start < len(parts):
            end = min(len(parts), start + 2 * _HOLDS + 1)
            while end > start + 1 and not known("".join(parts[start:end]).strip()):
                end -= 2
            if name := "".join(parts[start:end]).strip():
                yield name
            start = end + 1
