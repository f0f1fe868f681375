"""Roles and teams as people write them in a file: found by name or path, with what may have been meant. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence

from webapp.sync.keys import match_key
from webapp.users.directory import PATH_SIGN, Directory, RoleEntry, TeamEntry

_BETWEEN = re.compile(r"([;|,])")
_HOLDS = 4  # separators that a single name may hold
_STEPS = re.compile(r"\s*[›>/]\s*")
LISTED = 8  # names that a sentence lists
LOOKED_FOR = 200  # unknown names of one file for which the nearest one is looked for, which takes a while


class NotFound(Exception):
    """No role or team is called so; the text says what there is."""


class Places:
    """Where the names of one contract's roles and teams lead."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._roles: dict[str, list[RoleEntry]] = {}
        for role in directory.roles:
            for key in {match_key(role.name), match_key(role.key)} - {None}:
                self._roles.setdefault(key or "", []).append(role)
        self._teams: dict[str, list[TeamEntry]] = {}
        self._archived: dict[str, list[TeamEntry]] = {}
        self._by_path: dict[str, list[TeamEntry]] = {}
        self._near: dict[str, str] = {}  # sentences by what was looked for
        above: list[TeamEntry] = []
        for team in directory.teams:
            above = [*above[: team.depth], team]
            names = [_step(entry.name) for entry in above]
            ends = self._archived if team.archived else self._teams
            for start in range(len(names)):  # any end of the path names it, as long as no other ends so
                ends.setdefault("\n".join(names[start:]), []).append(team)
            if not team.archived:
                self._by_path.setdefault(team.path, []).append(team)

    def roles(self, cell: str) -> frozenset[int]:
        """The IDs of the roles in a cell. Raises :class:`NotFound`."""
        return frozenset(self.role(name) for name in _several(cell, self._has_role))

    def role(self, name: str) -> int:
        exact = [role for role in self._directory.roles if role.name == name]
        found = exact or self._roles.get(match_key(name) or "", [])
        if len(found) == 1:
            return found[0].id
        names = [role.name for role in self._directory.roles]
        raise NotFound(f"“{name}” is not a role here. {self._meant(name, names, 'The roles are')}")

    def teams(self, cell: str) -> frozenset[int]:
        """The IDs of the teams in a cell. Raises :class:`NotFound`."""
        return frozenset(self.team(name) for name in _several(cell, self._has_team))

    def team(self, name: str) -> int:
        """The ID of the team of that name, or at the end of that path. Raises :class:`NotFound`."""
        found = self._found_teams(name, self._teams)
        if len(found) == 1:
            return found[0].id
        if found:
            which = " or ".join(f"“{team.path}”" for team in found[:LISTED])
            raise NotFound(f"Several teams are called “{name}”. Write {which}.")
        if self._found_teams(name, self._archived):
            raise NotFound(f"“{name}” is archived, so nobody is put there any more. Choose another team.")
        paths = [team.path for team in self._directory.open_teams]
        close = {team.name: team.path for team in self._directory.open_teams}
        raise NotFound(f"“{name}” is not a team here. {self._meant(name, paths, 'The teams are', close)}")

    def _found_teams(self, name: str, ends: dict[str, list[TeamEntry]]) -> list[TeamEntry]:
        exact = self._by_path.get(name.strip(), []) if ends is self._teams else []
        if len(exact) == 1:
            return exact
        return ends.get("\n".join(map(_step, _STEPS.split(name.strip())))) or ends.get(_step(name), [])

    def _meant(
        self, name: str, names: Sequence[str], otherwise: str, shown: dict[str, str] | None = None
    ) -> str:
        """A sentence on what is nearest to ``name``, or on what there is. Looked for so often, it is the latter."""
        key = f"{otherwise} {name}"
        if key not in self._near:
            nearest = len(self._near) < LOOKED_FOR
            self._near[key] = _meant(name if nearest else "", names, otherwise, shown)
        return self._near[key]

    def _has_role(self, name: str) -> bool:
        return (match_key(name) or "") in self._roles

    def _has_team(self, name: str) -> bool:
        return bool(self._found_teams(name, self._teams))


def _step(name: str) -> str:
    return match_key(name) or ""


def _several(cell: str, known: Callable[[str], bool]) -> Sequence[str]:
    """The names in a cell, with ; or | or commas or line breaks between; a known name may itself hold some of these."""
    names = []
    for line in cell.splitlines():
        parts = _BETWEEN.split(line)  # a text, then a separator and a text, and so on
        start = 0
        while start < len(parts):
            end = min(len(parts), start + 2 * _HOLDS + 1)
            while end > start + 1 and not known("".join(parts[start:end]).strip()):
                end -= 2
            names.append("".join(parts[start:end]).strip())
            start = end + 1
    return [name for name in names if name]


def _meant(name: str, names: Sequence[str], otherwise: str, shown: dict[str, str] | None = None) -> str:
    """A sentence on what is nearest to ``name``, or on what there is."""
    by_key: dict[str, str] = {}
    for one in names:
        by_key.setdefault(match_key(one) or "", one)
        by_key.setdefault(match_key(one.rpartition(PATH_SIGN)[2]) or "", one)
    for one, path in (shown or {}).items():
        by_key.setdefault(match_key(one) or "", path)
    near = difflib.get_close_matches(match_key(name) or "", by_key, n=3, cutoff=0.6) if name else []
    if near:
        return f"Did you mean {' or '.join(dict.fromkeys(f'“{by_key[key]}”' for key in near))}?"
    if not names:
        return "There is none yet."
    more = f" and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
    return f"{otherwise} {', '.join(names[:LISTED])}{more}."
