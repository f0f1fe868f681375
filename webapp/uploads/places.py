"""Roles and teams as people write them in a file: found by name or path, with what may have been meant. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from webapp.sync.keys import match_key
from webapp.users.directory import PATH_SIGN, Directory, RoleEntry, TeamEntry

_BETWEEN = re.compile(r"[;|\n]")
_STEPS = re.compile(r"\s*[›>/]\s*")
LISTED = 8  # names that a sentence lists


class NotFound(Exception):
    """No role or team is called so; the text says what there is."""


class Places:
    """Where the names of one contract's roles and teams lead."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._roles: dict[str, list[RoleEntry]] = {}
        for role in directory.roles:
            for name in {match_key(role.name), match_key(role.key)} - {None}:
                self._roles.setdefault(name or "", []).append(role)
        self._teams: dict[str, list[TeamEntry]] = {}
        above: list[TeamEntry] = []
        for team in directory.teams:
            above = [*above[: team.depth], team]
            names = [_step(entry.name) for entry in above]
            for start in range(len(names)):  # any end of the path names it, as long as no other ends so
                self._teams.setdefault("\n".join(names[start:]), []).append(team)

    def roles(self, cell: str) -> frozenset[int]:
        """The IDs of the roles in a cell. Raises :class:`NotFound`."""
        return frozenset(self.role(name) for name in _several(cell, self._has_role))

    def role(self, name: str) -> int:
        exact = [role for role in self._directory.roles if role.name == name]
        found = exact or self._roles.get(match_key(name) or "", [])
        if len(found) == 1:
            return found[0].id
        names = [role.name for role in self._directory.roles]
        raise NotFound(f"“{name}” is not a role here. {_meant(name, names, 'The roles are')}")

    def teams(self, cell: str) -> frozenset[int]:
        """The IDs of the teams in a cell. Raises :class:`NotFound`."""
        return frozenset(self.team(name) for name in _several(cell, self._has_team))

    def team(self, name: str) -> int:
        """The ID of the team of that name, or at the end of that path. Raises :class:`NotFound`."""
        found = self._found_teams(name)
        if len(found) == 1:
            return found[0].id
        if found:
            paths = " or ".join(f"“{team.path}”" for team in found[:LISTED])
            raise NotFound(f"Several teams are called “{name}”. Write {paths}.")
        paths_here = [team.path for team in self._directory.teams]
        names = [team.name for team in self._directory.teams]
        close = dict(zip(names, paths_here, strict=True))
        raise NotFound(f"“{name}” is not a team here. {_meant(name, paths_here, 'The teams are', close)}")

    def _found_teams(self, name: str) -> list[TeamEntry]:
        exact = [team for team in self._directory.teams if team.path == name.strip()]
        if len(exact) == 1:
            return exact
        return self._teams.get("\n".join(map(_step, _STEPS.split(name.strip()))), None) or self._teams.get(
            _step(name), []
        )

    def _has_role(self, name: str) -> bool:
        return (match_key(name) or "") in self._roles

    def _has_team(self, name: str) -> bool:
        return bool(self._found_teams(name))


def _step(name: str) -> str:
    return match_key(name) or ""


def _several(cell: str, known: object) -> Sequence[str]:
    """The names in a cell: with ; or | between, or with commas when the cell as a whole is none."""
    is_known = known if callable(known) else bool
    names = []
    for part in _BETWEEN.split(cell):
        text = part.strip()
        if "," in text and not is_known(text):
            names += [one.strip() for one in text.split(",") if one.strip()]
        elif text:
            names.append(text)
    return names


def _meant(name: str, names: Sequence[str], otherwise: str, shown: dict[str, str] | None = None) -> str:
    """A sentence on what is nearest to ``name``, or on what there is."""
    by_key: dict[str, str] = {}
    for one in names:
        by_key.setdefault(match_key(one) or "", one)
        by_key.setdefault(match_key(one.rpartition(PATH_SIGN)[2]) or "", one)
    for one, path in (shown or {}).items():
        by_key.setdefault(match_key(one) or "", path)
    near = difflib.get_close_matches(match_key(name) or "", by_key, n=3, cutoff=0.6)
    if near:
        return f"Did you mean {' or '.join(dict.fromkeys(f'“{by_key[key]}”' for key in near))}?"
    if not names:
        return "There is none yet."
    more = f" and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
    return f"{otherwise} {', '.join(names[:LISTED])}{more}."
