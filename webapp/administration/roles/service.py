"""Creating, changing and deleting roles. Nobody gives or takes what they may not do themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from webapp.administration.roles.queries import RoleRow, people_with, role_of, roles_of
from webapp.administration.transaction import Editing, ShownBefore, editing, stamp_of
from webapp.core.audit import log
from webapp.core.database import rows_changed
from webapp.core.models import Account, Role, RolePermission, User, UserRole, table_of
from webapp.core.names import look_key, name_problem, tidied
from webapp.core.permissions import MANAGE_ROLES, MANAGE_USERS, PERMISSIONS

MAX_ROLES = 100  # in one contract
NAME_LENGTH = (1, 100)  # characters
DESCRIPTION_MAX = 255  # characters


class RoleRefused(Exception):
    """The role cannot be like that. ``field`` is what to choose differently, the text says why."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


class RoleChanged(Exception):
    """Somebody else changed the role after the form was opened. Nothing was changed; ``now`` is how it is."""

    def __init__(self, now: RoleRow) -> None:
        super().__init__(now.name)
        self.now = now


class PeopleHaveIt(Exception):
    """A role cannot be deleted as long as ``count`` people have it and no other one is chosen for them."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} people")
        self.count = count


@dataclass(frozen=True)
class Wanted:
    """What a role shall be, or was when a form was opened."""

    name: str
    description: str = ""
    permissions: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, role: RoleRow) -> Wanted:
        return cls(role.name, role.description, role.permissions)


def create(contract_id: int, wanted: Wanted, *, by_user_id: int) -> int:
    """A new role; its ID. Raises :class:`RoleRefused` and ``access.Refused``."""
    with _editing(contract_id, by_user_id) as (edit, roles):
        wanted = _checked(wanted, roles)
        check_reach(edit, wanted.permissions)
        if len(roles) >= MAX_ROLES:
            raise RoleRefused("name", f"A contract has at most {MAX_ROLES} roles. Delete one first.")
        role = Role(contract_id=contract_id, name=wanted.name, description=wanted.description)
        edit.session.add(role)
        edit.session.flush()
        _give(edit.session, role.id, wanted.permissions)
        edit.record("role.created", wanted.name, "role", role.id, _in_words(wanted))
        return role.id


def change(contract_id: int, role_id: int, wanted: Wanted, *, was: Wanted, by_user_id: int) -> bool:
    """Make a role what ``wanted`` says; whether that changed anything.

    Raises, with nothing changed: :class:`RoleRefused`, :class:`RoleChanged` when it is no longer what it ``was``,
    ``access.Refused`` and ``LookupError``.
    """
    with _editing(contract_id, by_user_id) as (edit, roles):
        session = edit.session
        role = role_of(roles, role_id)
        now = Wanted.of(role)
        check_reach(edit, role.permissions)
        if role.is_administrator and wanted.permissions != role.permissions:
            raise RoleRefused("permissions", f"{role.name} always permits everything.")
        if role.undeletable and tidied(wanted.name) != role.name:
            raise RoleRefused("name", f"{role.name} keeps its name: other screens and commands use it.")
        wanted = _checked(wanted, roles, but=role_id)
        check_reach(edit, wanted.permissions ^ role.permissions)
        if wanted == now:
            return False
        if was != now:
            raise RoleChanged(role)
        in_charge = _somebody_in_charge(session, contract_id)
        rows_changed(
            session,
            sa.update(Role)
            .where(Role.id == role_id)
            .values(name=wanted.name, description=wanted.description),
        )
        _take(session, role_id, role.permissions - wanted.permissions)
        _give(session, role_id, wanted.permissions - role.permissions)
        if in_charge and not _somebody_in_charge(session, contract_id):
            raise RoleRefused("permissions", _ONE_STAYS)
        edit.record("role.changed", wanted.name, "role", role_id, _differences(now, wanted))
        return True


def delete(
    contract_id: int, role_id: int, *, move_to: int | None, by_user_id: int, shown: str | None = None
) -> int:
    """Delete a role after giving those who have it another one; how many they were.

    ``shown`` is the stamp of those who were shown to have it. Raises, with nothing changed: :class:`PeopleHaveIt`,
    :class:`RoleRefused`, ``ShownBefore``, ``LookupError``, and ``access.Refused``, also for somebody who moves
    people without Manage Users.
    """
    with _editing(contract_id, by_user_id) as (edit, roles):
        session = edit.session
        role = role_of(roles, role_id)
        if role.undeletable:
            raise RoleRefused("role", f"{role.name} cannot be deleted.")
        check_reach(edit, role.permissions)
        people = people_with(session, contract_id, role_id)
        if people and move_to is None:
            raise PeopleHaveIt(len(people))
        details = _in_words(Wanted.of(role))
        in_charge = _somebody_in_charge(session, contract_id)
        if people and move_to is not None:
            edit.need(MANAGE_USERS)
            if move_to == role_id or move_to not in {other.id for other in roles}:
                raise RoleRefused("move_to", "Choose a role that stays.")
            other = role_of(roles, move_to)
            check_reach(edit, other.permissions)
            if shown is not None and shown != stamp_of(people):
                raise ShownBefore
            details["people have instead"] = other.name
            details |= edit.hand_over(people, UserRole, [role_id], move_to)
        session.execute(sa.delete(table_of(RolePermission)).where(RolePermission.role_id == role_id))
        rows_changed(session, sa.delete(Role).where(Role.id == role_id))
        if in_charge and not _somebody_in_charge(session, contract_id):
            raise RoleRefused("move_to", _ONE_STAYS)
        edit.record("role.deleted", role.name, "role", role_id, details)
        return len(people)


def check_reach(edit: Editing, permissions: Collection[str]) -> None:
    """Raise ``access.Refused`` when the person may not do all of ``permissions`` themselves."""
    for key in PERMISSIONS:
        if key in permissions:
            edit.need(key)


_ONE_STAYS = (
    "After that nobody who can sign in could manage both users and roles. Give both to somebody else first."
)


@contextmanager
def _editing(contract_id: int, by_user_id: int) -> Iterator[tuple[Editing, list[RoleRow]]]:
    """A transaction that alone changes roles and who has them, by somebody who may; and the roles."""
    with editing(contract_id, by_user_id, MANAGE_ROLES) as edit:
        yield edit, roles_of(edit.session, contract_id)


def _checked(wanted: Wanted, roles: list[RoleRow], but: int | None = None) -> Wanted:
    """``wanted`` with tidied texts. Raises :class:`RoleRefused`."""
    name, description = tidied(wanted.name), tidied(wanted.description)
    if problem := name_problem(name, *NAME_LENGTH):
        raise RoleRefused("name", problem)
    for role in roles:
        if role.id != but and look_key(role.name) == look_key(name):
            raise RoleRefused("name", f"There is a role {role.name} already. Choose another name.")
    if name_problem(description, 0, DESCRIPTION_MAX):
        raise RoleRefused("description", f"Enter at most {DESCRIPTION_MAX} characters that can be seen.")
    unknown = wanted.permissions - PERMISSIONS.keys()
    if unknown:
        raise RoleRefused("permissions", "Choose permissions of the list.")
    return Wanted(name, description, wanted.permissions)


def _somebody_in_charge(session: Session, contract_id: int) -> bool:
    """Whether anybody active who can sign in may manage both users and roles."""
    may = []
    for permission in (MANAGE_USERS, MANAGE_ROLES):
        owned, granted = aliased(UserRole), aliased(RolePermission)
        may.append(
            sa.exists()
            .where(
                owned.user_id == User.id,
                granted.role_id == owned.role_id,
                granted.permission == permission,
            )
            .correlate(User)
        )
    statement = (
        sa.select(User.id)
        .join(Account, Account.id == User.account_id)
        .where(
            User.contract_id == contract_id,
            User.status == "active",
            Account.disabled_at.is_(None),
            Account.password_hash.is_not(None),
            *may,
        )
        .limit(1)
    )
    return session.scalar(statement) is not None


def _give(session: Session, role_id: int, permissions: Collection[str]) -> None:
    session.add_all(RolePermission(role_id=role_id, permission=one) for one in sorted(permissions))
    session.flush()


def _take(session: Session, role_id: int, permissions: Collection[str]) -> None:
    if permissions:
        rows_changed(
            session,
            sa.delete(RolePermission).where(
                RolePermission.role_id == role_id, RolePermission.permission.in_(permissions)
            ),
        )


def _names(permissions: Collection[str]) -> list[str]:
    """What permissions are called, in the order of the list."""
    return [name for key, name in PERMISSIONS.items() if key in permissions]


def _in_words(role: Wanted) -> dict[str, Any]:
    """A whole role, for the audit row."""
    return {"description": role.description or None, "permissions": _names(role.permissions)}


def _differences(before: Wanted, after: Wanted) -> dict[str, Any]:
    pairs: list[tuple[str, Any, Any]] = [
        ("name", before.name, after.name),
        ("description", before.description, after.description),
        ("permissions", _names(before.permissions), _names(after.permissions)),
    ]
    return {label: log.changed(old, new) for label, old, new in pairs if old != new}
