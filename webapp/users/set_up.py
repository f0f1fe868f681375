"""What a user needs to be active: roles, a team for agents, reporting access for everybody else."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from webapp.users.directory import Directory, RoleEntry


@dataclass(frozen=True)
class SetUp:
    """The roles, team and reporting access that a whole batch gets, by ID."""

    roles: frozenset[int]
    team: int | None
    access: frozenset[int]

    @property
    def teams(self) -> frozenset[int]:
        """Every team in it."""
        return self.access | ({self.team} if self.team is not None else set())


def lacking(roles: Collection[int], has_team: bool, has_access: bool, directory: Directory) -> list[str]:
    """What is still missing: "role", "team" and "reporting". An agent needs a team, any other role access."""
    if not roles:
        return ["role"]
    gaps = []
    if directory.agent_id in roles and not has_team:
        gaps.append("team")
    if any(role != directory.agent_id for role in roles) and not has_access:
        gaps.append("reporting")
    return gaps


def beyond(roles: Collection[int], permissions: Collection[str], directory: Directory) -> list[RoleEntry]:
    """Those of ``roles`` that permit something not in ``permissions``; nobody gives what they do not have."""
    return [
        role for role in directory.roles if role.id in roles and not role.permissions.issubset(permissions)
    ]
