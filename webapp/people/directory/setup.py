"""What a user needs to be active: roles, a team for agents, reporting access for everybody else; and giving it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from webapp.people.directory.directory import Directory, RoleEntry, TeamEntry


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


NOTHING: frozenset[int] = frozenset()
NAMED = 8  # teams that a sentence names


@dataclass(frozen=True)
class Giver:
    """What somebody has, and so may give: what they may do, and the teams they see, all below them included."""

    permissions: frozenset[str]
    sees: frozenset[int]


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


def unseen(
    access: Collection[int], giver: Giver, directory: Directory, *, has: Collection[int] = NOTHING
) -> list[TeamEntry]:
    """Those of ``access`` that the giver does not see; nobody shows others what they do not see themselves.

    What is inside the access that somebody ``has`` already is not given to them.
    """
    hidden = set(access) - giver.sees
    if hidden and has:
        hidden -= directory.with_below(*has)
    return directory.teams_of(hidden) if hidden else []  # a file asks this for each of its rows


def role_refusal(roles: Collection[RoleEntry]) -> str:
    """A sentence on roles that cannot be given."""
    names = " or ".join(role.name for role in roles)
    return f"You cannot give {names}: it permits more than you may do yourself."


def access_refusal(teams: Collection[TeamEntry]) -> str:
    """A sentence on parts of the structure that cannot be given."""
    names = " or ".join(team.path for team in list(teams)[:NAMED])
    more = f" and {len(teams) - NAMED:,} more" if len(teams) > NAMED else ""
    return f"You cannot give access to {names}{more}: you do not see it yourself."
