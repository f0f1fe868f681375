"""Contracts: creating one with its roles and the top of its structure, its features and its licences."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from zoneinfo import available_timezones

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit import log
from webapp.core.models import Contract, ContractFeature, Role, RolePermission, Team, User
from webapp.core.models.team import TEAM_NAME_LENGTH
from webapp.core.names import name_problem, tidied
from webapp.core.permissions import (
    FEATURES,
    MANAGE_INTEGRATIONS,
    MANAGE_ROLES,
    MANAGE_SECURITY,
    MANAGE_STRUCTURE,
    MANAGE_USERS,
    PERMISSIONS,
    VIEW_AUDIT,
    VIEW_SYNC_STATUS,
)

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
MAX_LICENCES = 1_000_000


class ContractRefused(Exception):
    """A contract cannot be created or changed like that; the text says why and what to do, ``field`` where."""

    def __init__(self, text: str, field: str = "") -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True)
class DefaultRole:
    """A role that every contract starts with."""

    key: str
    name: str
    description: str
    permissions: tuple[str, ...] = ()
    undeletable: bool = False


DEFAULT_ROLES: tuple[DefaultRole, ...] = (
    DefaultRole("administrator", "Administrator", "Everything in this contract.", tuple(PERMISSIONS), True),
    DefaultRole(
        "manager",
        "Manager",
        "Activates and deactivates people and keeps the structure.",
        (MANAGE_USERS, MANAGE_STRUCTURE, VIEW_SYNC_STATUS),
    ),
    DefaultRole("team_leader", "Team Leader", "Sees the results of the teams they lead."),
    DefaultRole("agent", "Agent", "Works conversations and sees their own results.", (), True),
    DefaultRole("quality_analyst", "Quality Analyst", "Scores the conversations of the teams they may see."),
    DefaultRole(
        "system_access",
        "System Access",
        "Looks after the set-up and sees how syncs went, without managing people.",
        (VIEW_SYNC_STATUS, VIEW_AUDIT),
        True,
    ),
)

assert {MANAGE_INTEGRATIONS, MANAGE_ROLES, MANAGE_SECURITY} <= set(DEFAULT_ROLES[0].permissions)  # noqa: S101


def create_contract(session: Session, *, slug: str, name: str, time_zone: str, licences: int) -> Contract:
    """A new contract with the six roles and one top-level team that carries its name.

    Raises :class:`ContractRefused` with a sentence for the operator.
    """
    if not SLUG.fullmatch(slug):
        raise ContractRefused(
            f"“{slug}” cannot stand in a web address. Use up to 63 of a-z, 0-9 and hyphens, such as acme-support."
        )
    name = checked_name(name)
    checked_time_zone(time_zone)
    if session.scalar(sa.select(Contract.id).where(Contract.slug == slug)) is not None:
        raise ContractRefused(f"There is a contract {slug} already. Choose another address.")
    contract = Contract(slug=slug, name=name, time_zone=time_zone, licences=_licences(licences))
    session.add(contract)
    session.flush()
    for position, default in enumerate(DEFAULT_ROLES):
        role = Role(
            contract_id=contract.id,
            key=default.key,
            name=default.name,
            description=default.description,
            undeletable=default.undeletable,
            position=position,
        )
        session.add(role)
        session.flush()
        session.add_all(
            RolePermission(role_id=role.id, permission=permission) for permission in default.permissions
        )
    session.add(Team(contract_id=contract.id, name=name, level=1))
    log.record(
        session,
        "contract.created",
        name,
        contract_id=contract.id,
        target_type="contract",
        target_id=contract.id,
        details={"address": slug, "licences": licences, "time zone": time_zone},
        actor="command: flask contract create",
    )
    session.flush()
    return contract


def locked_contract(session: Session, contract_id: int) -> Contract:
    """The contract as it is now; whoever else changes it, or who is active in it, waits."""
    return session.scalars(
        sa.select(Contract)
        .where(Contract.id == contract_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def checked_name(name: str) -> str:
    """A contract's name, tidied. Raises :class:`ContractRefused`."""
    name = tidied(name)
    problem = name_problem(name, *TEAM_NAME_LENGTH)
    if problem is not None:
        too_long_or_short = not TEAM_NAME_LENGTH[0] <= len(name) <= TEAM_NAME_LENGTH[1]
        raise ContractRefused(
            "The name must have 3 to 255 characters." if too_long_or_short else problem, "name"
        )
    return name


@cache
def time_zones() -> frozenset[str]:
    """The names of time zones. Those that mean something else on each machine, or nowhere, are none."""
    return frozenset(available_timezones() - {"localtime", "Factory"})


def checked_time_zone(time_zone: str) -> str:
    """``time_zone``, if there is such a one. Raises :class:`ContractRefused`."""
    if time_zone not in time_zones():
        raise ContractRefused(
            f"“{time_zone}” is not a time zone. Use a name such as Europe/London or UTC.", "time_zone"
        )
    return time_zone


def set_feature(session: Session, contract: Contract, feature: str, on: bool) -> bool:
    """Switch ``feature`` on or off for ``contract``; whether that changed anything.

    Raises :class:`ContractRefused` for a feature that does not exist.
    """
    key = feature_key(feature)
    locked_contract(session, contract.id)
    row = session.get(ContractFeature, (contract.id, key), populate_existing=True)
    if (row is not None) == on:
        return False
    if row is None:
        session.add(ContractFeature(contract_id=contract.id, feature=key))
    else:
        session.delete(row)
    log.record(
        session,
        "contract.feature_enabled" if on else "contract.feature_disabled",
        FEATURES[key],
        contract_id=contract.id,
        target_type="feature",
        actor="command: flask contract feature",
    )
    return True


def feature_key(feature: str) -> str:
    """The key of a feature named by its key or by its name in any case."""
    for key, name in FEATURES.items():
        if feature.casefold() in (key, name.casefold()):
            return key
    known = ", ".join(f"{name} ({key})" for key, name in FEATURES.items())
    raise ContractRefused(f"There is no feature {feature}. There is: {known}.")


def set_licences(session: Session, contract: Contract, licences: int) -> bool:
    """Change how many licences ``contract`` has bought; whether that changed anything.

    Fewer than are in use is allowed: nobody is switched off, and nobody new can be activated.
    """
    locked = locked_contract(session, contract.id)
    before = locked.licences
    if before == _licences(licences):
        return False
    locked.licences = licences
    log.record(
        session,
        "contract.licences_changed",
        locked.name,
        contract_id=locked.id,
        target_type="contract",
        target_id=locked.id,
        details={"licences": log.changed(before, licences)},
        actor="command: flask contract licences",
    )
    return True


def licences_used(session: Session, contract_id: int) -> int:
    """How many licences are taken: one for each active user."""
    return (
        session.scalar(
            sa.select(sa.func.count()).where(User.contract_id == contract_id, User.status == "active")
        )
        or 0
    )


def _licences(count: int) -> int:
    if not 0 <= count <= MAX_LICENCES:
        raise ContractRefused(f"Licences must be a whole number from 0 to {MAX_LICENCES:,}.")
    return count
