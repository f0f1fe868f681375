"""The roles of a contract with what they permit and how many people have them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.models import AuditEvent, Role, RolePermission, UserRole
from webapp.people.directory.directory import ADMINISTRATOR


@dataclass(frozen=True)
class RoleRow:
    """One role; ``people`` is how many have it."""

    id: int
    key: str | None
    name: str
    description: str
    undeletable: bool
    permissions: frozenset[str]
    people: int

    @property
    def is_administrator(self) -> bool:
        """Whether it is the one that permits everything, always."""
        return self.key == ADMINISTRATOR


def roles_of(session: Session, contract_id: int) -> list[RoleRow]:
    """Every role in its order, in three statements."""
    roles = session.execute(
        sa.select(Role.id, Role.key, Role.name, Role.description, Role.undeletable)
        .where(Role.contract_id == contract_id)
        .order_by(Role.position, Role.name)
    ).all()
    permissions: dict[int, set[str]] = {}
    for role_id, permission in session.execute(
        sa.select(RolePermission.role_id, RolePermission.permission)
        .join(Role, Role.id == RolePermission.role_id)
        .where(Role.contract_id == contract_id)
    ):
        permissions.setdefault(role_id, set()).add(permission)
    people: dict[int, int] = dict(
        session.execute(
            sa.select(Role.id, sa.func.count(UserRole.user_id))
            .join(UserRole, UserRole.role_id == Role.id)
            .where(Role.contract_id == contract_id)
            .group_by(Role.id)
        ).all()
    )
    return [
        RoleRow(
            role.id,
            role.key,
            role.name,
            role.description,
            role.undeletable,
            frozenset(permissions.get(role.id, ())),
            people.get(role.id, 0),
        )
        for role in roles
    ]


def role_of(roles: list[RoleRow], role_id: int) -> RoleRow:
    """The one with that ID. Raises ``LookupError``."""
    for role in roles:
        if role.id == role_id:
            return role
    raise LookupError(role_id)


def people_with(session: Session, contract_id: int, role_id: int) -> list[int]:
    """The users who have a role."""
    return list(
        session.scalars(
            sa.select(UserRole.user_id)
            .where(UserRole.contract_id == contract_id, UserRole.role_id == role_id)
            .order_by(UserRole.user_id)
        )
    )


def last_change(session: Session, contract_id: int, role_id: int) -> tuple[str, datetime] | None:
    """Who changed the role last, and when."""
    found = session.execute(
        sa.select(AuditEvent.actor, AuditEvent.at)
        .where(
            AuditEvent.contract_id == contract_id,
            AuditEvent.target_type == "role",
            AuditEvent.target_id == role_id,
        )
        .order_by(AuditEvent.id.desc())
        .limit(1)
    ).one_or_none()
    return (found.actor, found.at) if found else None
