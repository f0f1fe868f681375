"""Creating, changing and deleting roles. Nobody gives or takes what they may not do themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from webapp.access import MANAGE_ROLES, MANAGE_USERS, PERMISSIONS, Refusal, Refused
from webapp.audit import trail
from webapp.database import rows_changed, write_transaction
from webapp.models import Account, Role, RolePermission, User, UserRole, table_of, utcnow
from webapp.names import name_problem, tidied
from webapp.roles.reading import RoleRow, people_with, role_of, roles_of
from webapp.sync.keys import match_key
from webapp.users import batch

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
    with _editing(contract_id, by_user_id) as (session, held, roles):
        wanted = _checked(wanted, roles)
        check_reach(wanted.permissions, held)
        if len(roles) >= MAX_ROLES:
            raise RoleRefused("name", f"A contract has at most {MAX_ROLES} roles. Delete one first.")
        role = Role(contract_id=contract_id, name=wanted.name, description=wanted.description)
        session.add(role)
        session.flush()
        _give(session, role.id, wanted.permissions)
        details = {"description": wanted.description, "permissions": _names(wanted.permissions)}
        _record(session, "role.created", contract_id, role.id, wanted.name, details)
        return role.id


def change(contract_id: int, role_id: int, wanted: Wanted, *, was: Wanted, by_user_id: int) -> bool:
    """Make a role what ``wanted`` says; whether that changed anything.

    Raises, with nothing changed: :class:`RoleRefused`, :class:`RoleChanged` when it is no longer what it ``was``,
    ``access.Refused`` and ``LookupError``.
    """
    with _editing(contract_id, by_user_id) as (session, held, roles):
        role = role_of(roles, role_id)
        now = Wanted.of(role)
        check_reach(role.permissions, held)
        if role.is_administrator and wanted.permissions != role.permissions:
            raise RoleRefused("permissions", f"{role.name} always permits everything.")
        if role.undeletable and tidied(wanted.name) != role.name:
            raise RoleRefused("name", f"{role.name} keeps its name: other screens and commands use it.")
        wanted = _checked(wanted, roles, but=role_id)
        check_reach(wanted.permissions ^ role.permissions, held)
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
        _record(session, "role.changed", contract_id, role_id, wanted.name, _differences(now, wanted))
        return True


def delete(contract_id: int, role_id: int, *, move_to: int | None, by_user_id: int) -> int:
    """Delete a role after giving those who have it another one; how many they were.

    Raises, with nothing changed: :class:`PeopleHaveIt`, :class:`RoleRefused`, ``LookupError``, and
    ``access.Refused``, also for somebody who moves people without Manage Users.
    """
    with _editing(contract_id, by_user_id) as (session, held, roles):
        role = role_of(roles, role_id)
        if role.undeletable:
            raise RoleRefused("role", f"{role.name} cannot be deleted.")
        check_reach(role.permissions, held)
        people = people_with(session, contract_id, role_id)
        if people and move_to is None:
            raise PeopleHaveIt(len(people))
        details: dict[str, Any] = {"permissions": _names(role.permissions)}
        in_charge = _somebody_in_charge(session, contract_id)
        if people and move_to is not None:
            batch.permissions_now(session, contract_id, by_user_id, MANAGE_USERS)
            if move_to == role_id or move_to not in {other.id for other in roles}:
                raise RoleRefused("move_to", "Choose a role that stays.")
            other = role_of(roles, move_to)
            check_reach(other.permissions, held)
            _move_people(session, contract_id, people, role_id, move_to)
            names = batch.names_of(session, contract_id, people)
            details |= {"people have instead": other.name} | batch.who(people, names)
        session.execute(sa.delete(table_of(RolePermission)).where(RolePermission.role_id == role_id))
        rows_changed(session, sa.delete(Role).where(Role.id == role_id))
        if in_charge and not _somebody_in_charge(session, contract_id):
            raise RoleRefused("move_to", _ONE_STAYS)
        _record(session, "role.deleted", contract_id, role_id, role.name, details)
        return len(people)


def check_reach(permissions: Collection[str], held: Collection[str]) -> None:
    """Raise ``access.Refused`` when some of ``permissions`` are not in ``held``."""
    for key in PERMISSIONS:
        if key in permissions and key not in held:
            raise Refused(Refusal("permission", key, PERMISSIONS[key]))


_ONE_STAYS = (
    "After that nobody who can sign in could manage both users and roles. Give both to somebody else first."
)


@contextmanager
def _editing(contract_id: int, by_user_id: int) -> Iterator[tuple[Session, frozenset[str], list[RoleRow]]]:
    """A transaction that alone changes roles and who has them, what the person may do in it, and the roles."""
    with write_transaction() as session:
        batch.lock_licences(session, contract_id)
        held = batch.permissions_now(session, contract_id, by_user_id, MANAGE_ROLES)
        yield session, held, roles_of(session, contract_id)


def _checked(wanted: Wanted, roles: list[RoleRow], but: int | None = None) -> Wanted:
    """``wanted`` with tidied texts. Raises :class:`RoleRefused`."""
    name, description = tidied(wanted.name), tidied(wanted.description)
    if problem := name_problem(name, *NAME_LENGTH):
        raise RoleRefused("name", problem)
    if any(role.id != but and match_key(role.name) == match_key(name) for role in roles):
        raise RoleRefused("name", f"There is a role {name} already. Choose another name.")
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


def _move_people(session: Session, contract_id: int, people: list[int], role_id: int, to: int) -> None:
    owned = table_of(UserRole)
    for ids in batch.chunks(people):
        already = sa.select(owned.c.user_id).where(owned.c.role_id == to, owned.c.user_id.in_(ids))
        newcomers = sa.select(User.id, sa.literal(to), User.contract_id).where(
            User.id.in_(ids), User.contract_id == contract_id, User.id.not_in(already)
        )
        session.execute(sa.insert(owned).from_select(["user_id", "role_id", "contract_id"], newcomers))
        rows_changed(session, sa.delete(owned).where(owned.c.user_id.in_(ids), owned.c.role_id == role_id))
        rows_changed(session, sa.update(User).where(User.id.in_(ids)).values(changed_at=utcnow()))


def _names(permissions: Collection[str]) -> list[str]:
    """What permissions are called, in the order of the list."""
    return [name for key, name in PERMISSIONS.items() if key in permissions]


def _differences(before: Wanted, after: Wanted) -> dict[str, Any]:
    pairs: list[tuple[str, Any, Any]] = [
        ("name", before.name, after.name),
        ("description", before.description, after.description),
        ("permissions", _names(before.permissions), _names(after.permissions)),
    ]
    return {label: trail.changed(old, new) for label, old, new in pairs if old != new}


def _record(
    session: Session, action: str, contract_id: int, role_id: int, name: str, details: dict[str, Any]
) -> None:
    trail.record(
        session,
        action,
        name,
        contract_id=contract_id,
        target_type="role",
        target_id=role_id,
        details=details,
    )
