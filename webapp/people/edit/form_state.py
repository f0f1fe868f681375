"""A user as the edit form shows them, and a stamp that tells which of it has changed since."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.models import ReportingAccess, User, UserRole, UserTeam
from webapp.people.directory.setup import SetUp
from webapp.people.edit.identity import Identity, identity_of

FIELDS = ("name", "username", "email", "third_party_id", "status", "roles", "team", "access")


@dataclass(frozen=True)
class State:
    """Everything of a user that the form may change, and their status."""

    identity: Identity
    status: str
    set_up: SetUp

    def value(self, field: str) -> Any:
        """One of :data:`FIELDS`."""
        if field == "status":
            return self.status
        return getattr(self.set_up if field in ("roles", "team", "access") else self.identity, field)

    @property
    def stamp(self) -> str:
        """A short digest of each field, in the order of :data:`FIELDS`."""
        return ".".join(digest(self.value(field)) for field in FIELDS)

    def changed_since(self, stamp: str) -> list[str]:
        """The fields that are not what they were when ``stamp`` was made; all of them for one that is none."""
        parts = stamp.split(".")
        if len(parts) != len(FIELDS):
            return list(FIELDS)
        return [field for field, part in zip(FIELDS, parts, strict=True) if digest(self.value(field)) != part]


def digest(value: Any) -> str:
    """Text that differs for other values: an empty one and none are the same."""
    if isinstance(value, frozenset):
        value = sorted(value)
    return hashlib.blake2b(repr(value or None).encode(), digest_size=6).hexdigest()


def state_of(session: Session, user: User) -> State:
    """What is stored of ``user`` now. Of several teams, which only other ways can give, the first counts."""

    def owned(column: Any, owner: Any) -> list[int]:
        return sorted(session.scalars(sa.select(column).where(owner == user.id)))

    teams = owned(UserTeam.team_id, UserTeam.user_id)
    return State(
        identity_of(user),
        user.status,
        SetUp(
            frozenset(owned(UserRole.role_id, UserRole.user_id)),
            teams[0] if teams else None,
            frozenset(owned(ReportingAccess.team_id, ReportingAccess.user_id)),
        ),
    )
