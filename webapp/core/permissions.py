"""Feature flags and permissions, and what an account may do in a contract."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from webapp.core.models import Account, Contract, ContractFeature, Role, RolePermission, User, UserRole, db

INTEGRATIONS = "admin.integration.settings"
MANAGE_INTEGRATIONS = "admin.integration.settings"
MANAGE_USERS = "admin.org.users.manage"
MANAGE_ROLES = "admin.org.roles-and-permissions.manage"
MANAGE_STRUCTURE = "admin.org.structure.manage"
MANAGE_SECURITY = "admin.security.settings"
VIEW_SYNC_STATUS = "admin.integration.status.view"
VIEW_AUDIT = "admin.audit.view"

FEATURES: dict[str, str] = {INTEGRATIONS: "Integrations"}

PERMISSIONS: dict[str, str] = {
    MANAGE_INTEGRATIONS: "Manage Integrations",
    MANAGE_USERS: "Manage Users",
    MANAGE_ROLES: "Manage Roles and Permissions",
    MANAGE_STRUCTURE: "Manage Structure",
    MANAGE_SECURITY: "Manage Security",
    VIEW_SYNC_STATUS: "View Sync Status",
    VIEW_AUDIT: "View Audit Log",
}


@dataclass(frozen=True)
class Rule:
    """What a view needs. ``permissions``: any one of them is enough; none listed means being in the contract.

    ``support``: platform-wide support may look as well, of whatever contract.
    """

    kind: str  # public, signed_in, support, support_sync or contract
    permissions: tuple[str, ...] = ()
    feature: str | None = None
    support: bool = False


@dataclass(frozen=True)
class Access:
    """What one account may do in one contract. ``roles`` are the names of its roles there, in the roles' order.

    ``as_support``: it looks in as platform-wide support, which reads how syncs do and nothing about people.
    """

    contract: Contract
    member: User | None
    features: frozenset[str]
    permissions: frozenset[str]
    roles: tuple[str, ...]
    as_support: bool = False

    @property
    def user(self) -> User:
        """The account's user in the contract. Raises ``LookupError`` for support staff, who have none."""
        if self.member is None:
            raise LookupError("support staff have no user in the contract they look at")
        return self.member

    def may(self, *permissions: str, feature: str | None = None) -> bool:
        """Whether the feature is on and any one of ``permissions`` is held (none listed: no need for one)."""
        if feature is not None and feature not in self.features:
            return False
        return not permissions or not self.permissions.isdisjoint(permissions)

    def refusal(self, rule: Rule) -> Refusal | None:
        """Why ``rule`` is not met, or ``None`` when it is."""
        if rule.feature is not None and rule.feature not in self.features:
            return Refusal("feature", rule.feature, FEATURES[rule.feature])
        if not self.may(*rule.permissions):
            return Refusal("permission", rule.permissions[0], PERMISSIONS[rule.permissions[0]])
        return None


@dataclass(frozen=True)
class Refusal:
    """The missing feature flag or permission: its kind, its key and the name people know it by."""

    kind: str  # feature or permission
    key: str
    name: str


class Refused(Exception):
    """A signed-in person of this contract lacks a feature flag or a permission. Answered with 403."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.key)
        self.refusal = refusal


def is_support(account: Account) -> bool:
    """Whether ``account`` may look at the sync status of every contract."""
    return bool(account.support)


def may_sync_anywhere(account: Account) -> bool:
    """Whether ``account`` may start a sync of any contract as platform-wide support."""
    return bool(account.support and account.support_may_sync)


def access_to(slug: str, account: Account, signed_in_at: datetime) -> Access | None:
    """What ``account`` may do in the contract ``slug``; ``None`` when it has no active user there.

    Nor has it with a sign-in from before its sign-ins were ended there.
    """
    found = db.session.execute(
        sa.select(Contract, User)
        .join(User, User.contract_id == Contract.id)
        .where(
            Contract.slug == slug,
            User.account_id == account.id,
            User.status == "active",
            sa.or_(User.sign_ins_ended_at.is_(None), User.sign_ins_ended_at < signed_in_at),
        )
    ).one_or_none()
    if found is None:
        return None
    contract, user = found
    features = db.session.scalars(
        sa.select(ContractFeature.feature).where(ContractFeature.contract_id == contract.id)
    )
    roles: dict[str, None] = {}
    permissions: set[str] = set()
    for role, permission in db.session.execute(
        sa.select(Role.name, RolePermission.permission)
        .join(UserRole, UserRole.role_id == Role.id)
        .outerjoin(RolePermission, RolePermission.role_id == Role.id)
        .where(UserRole.user_id == user.id, UserRole.contract_id == contract.id)
        .order_by(Role.position, Role.name)
    ):
        roles[role] = None
        permissions.update([permission] if permission else [])
    return Access(contract, user, frozenset(features), frozenset(permissions), tuple(roles))


def support_access_to(slug: str, rule: Rule) -> Access | None:
    """What platform-wide support may do in the contract ``slug`` at a view with ``rule``: look, while it can."""
    contract = db.session.scalars(sa.select(Contract).where(Contract.slug == slug)).one_or_none()
    if contract is None:
        return None
    features = frozenset(
        db.session.scalars(
            sa.select(ContractFeature.feature).where(ContractFeature.contract_id == contract.id)
        )
    )
    access = Access(contract, None, features, frozenset({VIEW_SYNC_STATUS}), (), as_support=True)
    return access if access.refusal(rule) is None else None


def contracts_of(account: Account) -> list[Contract]:
    """The contracts ``account`` can switch between, by name."""
    return list(
        db.session.scalars(
            sa.select(Contract)
            .join(User, User.contract_id == Contract.id)
            .where(User.account_id == account.id, User.status == "active")
            .order_by(Contract.name)
        )
    )


def granters(contract: Contract, permission: str) -> list[str]:
    """Names of up to three active users who can give out ``permission``: those who have it and manage roles."""

    def has(wanted: str) -> sa.ColumnElement[bool]:
        return (
            sa.exists()
            .where(
                UserRole.user_id == User.id,
                RolePermission.role_id == UserRole.role_id,
                RolePermission.permission == wanted,
            )
            .correlate(User)
        )

    return list(
        db.session.scalars(
            sa.select(User.name)
            .where(
                User.contract_id == contract.id,
                User.status == "active",
                User.account_id.is_not(None),
                *map(has, {MANAGE_ROLES, permission}),
            )
            .order_by(User.name)
            .limit(3)
        )
    )
