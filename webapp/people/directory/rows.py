"""What the pages show of users, read for many at once in three statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.models import Person, ReportingAccess, User, UserRole, UserTeam
from webapp.core.models.user import IGNORED
from webapp.people.directory.directory import Directory, TeamEntry
from webapp.people.directory.setup import lacking
from webapp.platforms.platform import Platform


@dataclass(frozen=True)
class Link:
    """A person on a platform who is this user. ``name`` and ``team`` are what the platform says."""

    platform: Platform
    remote_id: str
    name: str
    team: str | None
    first_seen_at: datetime
    missing_since: datetime | None


@dataclass(frozen=True)
class UserRow:
    """One user, with names instead of IDs. ``gaps`` are the codes of the set-up that is missing."""

    id: int
    name: str
    username: str
    email: str | None
    third_party_id: str | None
    status: str
    since: datetime
    created_at: datetime
    source: Platform | None
    named_by: Platform | None
    named_at: datetime | None
    role_ids: frozenset[int] = frozenset()
    roles: list[str] = field(default_factory=list)
    teams: list[TeamEntry] = field(default_factory=list)
    access: list[str] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)

    @property
    def platforms(self) -> list[Platform]:
        """Where this user is known, or else came from."""
        return [link.platform for link in self.links] or ([self.source] if self.source else [])

    @property
    def teams_there(self) -> list[str]:
        return [link.team for link in self.links if link.team]

    @property
    def missing(self) -> list[Link]:
        """The links to people who are no longer listed."""
        return [link for link in self.links if link.missing_since]


def rows_of(session: Session, ids: Sequence[int], directory: Directory) -> list[UserRow]:
    """Those users of the contract, in the order of ``ids``; who is not of the contract is left out."""
    if not ids:
        return []
    users = session.scalars(
        sa.select(User)
        .where(User.contract_id == directory.contract_id, User.id.in_(ids))
        .execution_options(populate_existing=True)
    )
    found = {user.id: user for user in users}
    links = _links(session, ids, directory)
    owned = owned_by(session, ids, directory.contract_id)
    return [
        _row(found[one], links.get(one, []), owned.get(one, Owned()), directory)
        for one in ids
        if one in found
    ]


@dataclass
class Owned:
    """The IDs of a user's roles, teams and reporting access."""

    role: set[int] = field(default_factory=set)
    team: set[int] = field(default_factory=set)
    access: set[int] = field(default_factory=set)


def owned_by(session: Session, ids: Sequence[int], contract_id: int) -> dict[int, Owned]:
    kinds = (
        ("role", UserRole.user_id, UserRole.role_id, UserRole.contract_id),
        ("team", UserTeam.user_id, UserTeam.team_id, UserTeam.contract_id),
        ("access", ReportingAccess.user_id, ReportingAccess.team_id, ReportingAccess.contract_id),
    )
    statement = sa.union_all(
        *(
            sa.select(sa.literal(kind).label("kind"), user.label("user_id"), thing.label("thing_id")).where(
                user.in_(ids), contract == contract_id
            )
            for kind, user, thing, contract in kinds
        )
    )
    owned: dict[int, Owned] = {}
    for kind, user_id, thing_id in session.execute(statement):
        things: set[int] = getattr(owned.setdefault(user_id, Owned()), kind)
        things.add(thing_id)
    return owned


def _links(session: Session, ids: Sequence[int], directory: Directory) -> dict[int, list[Link]]:
    people = session.execute(
        sa.select(
            Person.user_id,
            Person.integration_id,
            Person.remote_id,
            Person.name,
            Person.attributes,
            Person.first_seen_at,
            Person.missing_since,
        )
        .where(Person.integration_id.in_(directory.integrations.values()), Person.user_id.in_(ids))
        .order_by(Person.integration_id)
    )
    links: dict[int, list[Link]] = {}
    for row in people:
        platform = directory.platform_by_integration.get(row.integration_id)
        if platform is not None:
            links.setdefault(row.user_id, []).append(
                Link(
                    platform,
                    row.remote_id,
                    row.name,
                    row.attributes.get("team"),
                    row.first_seen_at,
                    row.missing_since,
                )
            )
    return links


def _row(user: User, links: list[Link], owned: Owned, directory: Directory) -> UserRow:
    platforms = directory.platform_by_integration
    return UserRow(
        id=user.id,
        name=user.name,
        username=user.username,
        email=user.email,
        third_party_id=user.third_party_id,
        status=user.status,
        since=user.status_since,
        created_at=user.created_at,
        source=platforms.get(user.source_integration_id or 0),
        named_by=platforms.get(user.named_by_integration_id or 0),
        named_at=user.named_at,
        role_ids=frozenset(owned.role),
        roles=directory.role_names(owned.role),
        teams=directory.teams_of(owned.team),
        access=directory.team_paths(owned.access),
        links=links,
        gaps=_gaps(user, owned, directory),
    )


def _gaps(user: User, owned: Owned, directory: Directory) -> list[str]:
    """What is missing: for who waits, all there is to choose; for the active, what their roles need."""
    if user.status in ("inactive", IGNORED):
        return []
    gaps = lacking(owned.role, bool(owned.team), bool(owned.access), directory)
    if user.status == "pending":
        absent = {"role": owned.role, "team": owned.team, "reporting": owned.access}
        gaps = [code for code, things in absent.items() if not things]
    return gaps if user.email else [*gaps, "email"]
