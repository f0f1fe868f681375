"""What the Users pages choose from: a contract's roles, its teams as a tree, and its connected platforms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.models import Integration, Role, RolePermission, Team
from webapp.platforms.platform import Platform
from webapp.platforms.registry import PLATFORMS

AGENT = "agent"
ADMINISTRATOR = "administrator"
PATH_SIGN = " › "


@dataclass(frozen=True)
class RoleEntry:
    """A role and what it permits."""

    id: int
    key: str | None
    name: str
    description: str
    permissions: frozenset[str]


@dataclass(frozen=True)
class TeamEntry:
    """A team; ``path`` names it with the teams above it, ``depth`` counts from 0 at the top.

    ``archived``: it, or one above it, is; nobody is put into it any more.
    """

    id: int
    name: str
    path: str
    depth: int
    archived: bool = False


@dataclass(frozen=True)
class Directory:
    """The roles in their order, the teams from top to bottom, and integration IDs by platform key."""

    contract_id: int
    roles: tuple[RoleEntry, ...]
    teams: tuple[TeamEntry, ...]
    integrations: dict[str, int]

    @cached_property
    def role_by_id(self) -> dict[int, RoleEntry]:
        return {role.id: role for role in self.roles}

    @cached_property
    def open_teams(self) -> tuple[TeamEntry, ...]:
        """The teams to choose from: those that are not archived."""
        return tuple(team for team in self.teams if not team.archived)

    @cached_property
    def team_by_id(self) -> dict[int, TeamEntry]:
        return {team.id: team for team in self.teams}

    @cached_property
    def _role_places(self) -> dict[int, int]:
        return {role.id: place for place, role in enumerate(self.roles)}

    @cached_property
    def _team_places(self) -> dict[int, int]:
        return {team.id: place for place, team in enumerate(self.teams)}

    @cached_property
    def platform_by_integration(self) -> dict[int, Platform]:
        return {integration: PLATFORMS[key] for key, integration in self.integrations.items()}

    @cached_property
    def agent_id(self) -> int | None:
        return next((role.id for role in self.roles if role.key == AGENT), None)

    def role_names(self, ids: Iterable[int]) -> list[str]:
        """The names of those roles, in the roles' order."""
        places = self._role_places
        return [self.roles[place].name for place in sorted({places[one] for one in ids if one in places})]

    def teams_of(self, ids: Iterable[int]) -> list[TeamEntry]:
        """Those teams, in the tree's order: a list of people asks for each, so all others are not looked at."""
        places = self._team_places
        return [self.teams[place] for place in sorted({places[one] for one in ids if one in places})]

    def team_paths(self, ids: Iterable[int]) -> list[str]:
        """The paths of those teams, in the tree's order."""
        return [team.path for team in self.teams_of(ids)]

    def with_below(self, *team_ids: int) -> set[int]:
        """The teams and every team below them."""
        wanted = set(team_ids)
        found: set[int] = set()
        depth: int | None = None  # of the nearest wanted team above
        for team in self.teams:
            if depth is not None and team.depth <= depth:
                depth = None
            if depth is None and team.id in wanted:
                depth = team.depth
            if depth is not None:
                found.add(team.id)
        return found


def directory_of(session: Session, contract_id: int) -> Directory:
    """Read a contract's directory, in three statements."""
    permissions: dict[int, set[str]] = {}
    entries: dict[int, Role] = {}
    for role, permission in session.execute(
        sa.select(Role, RolePermission.permission)
        .outerjoin(RolePermission, RolePermission.role_id == Role.id)
        .where(Role.contract_id == contract_id)
        .order_by(Role.position, Role.name)
        .execution_options(populate_existing=True)
    ):
        entries[role.id] = role
        permissions.setdefault(role.id, set()).update([permission] if permission else [])
    roles = tuple(
        RoleEntry(role.id, role.key, role.name, role.description, frozenset(permissions[role.id]))
        for role in entries.values()
    )
    teams = session.execute(
        sa.select(Team.id, Team.parent_id, Team.name, Team.archived_at).where(Team.contract_id == contract_id)
    ).all()
    integrations = session.execute(
        sa.select(Integration.platform, Integration.id).where(Integration.contract_id == contract_id)
    ).all()
    return Directory(
        contract_id,
        roles,
        tuple(_tree([(row.id, row.parent_id, row.name, row.archived_at is not None) for row in teams])),
        {row.platform: row.id for row in integrations if row.platform in PLATFORMS},
    )


def _tree(rows: list[tuple[int, int | None, str, bool]]) -> Iterator[TeamEntry]:
    """Teams from top to bottom, siblings by name. A single top team is everybody's, so paths leave it out."""
    below: dict[int | None, list[tuple[int, str, bool]]] = {}
    for team_id, parent_id, name, archived in rows:
        below.setdefault(parent_id, []).append((team_id, name, archived))
    for siblings in below.values():
        siblings.sort(key=lambda entry: (entry[1].casefold(), entry[0]))
    single_top = len(below.get(None, [])) == 1

    def walk(parent: int | None, above: tuple[str, ...], inside_archived: bool) -> Iterator[TeamEntry]:
        for team_id, name, archived in below.get(parent, []):
            path = (*above, name)
            shown = path[1:] if single_top and len(path) > 1 else path
            gone = archived or inside_archived
            yield TeamEntry(team_id, name, PATH_SIGN.join(shown), len(above), gone)
            yield from walk(team_id, path, gone)

    return walk(None, (), False)


def platforms_to_ask(session: Session, contract_id: int) -> list[Platform]:
    """The platforms that are connected for a contract."""
    found = session.scalars(
        sa.select(Integration.platform)
        .where(Integration.contract_id == contract_id, Integration.connection == "connected")
        .order_by(Integration.id)
    )
    return [PLATFORMS[platform] for platform in found]
