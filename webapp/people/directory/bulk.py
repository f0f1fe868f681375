"""What activating and deactivating share: the lock, who may, and set-based writes in chunks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.accounts.sign_in import sessions
from webapp.core.audit import log
from webapp.core.database import rows_changed
from webapp.core.id_ranges import ranges
from webapp.core.models import Contract, ReportingAccess, RolePermission, User, UserRole, UserTeam, table_of
from webapp.core.numbers import whole
from webapp.core.permissions import MANAGE_USERS, PERMISSIONS, Refusal, Refused
from webapp.people.directory.leaver_conditions import gone_since
from webapp.people.directory.selection import Found, Selection, Stray

NAMED = 50  # users whose names an audit row carries


@dataclass(frozen=True)
class Done:
    """What was done: to whom by ID, the first names, the licences as they are now, and how many were invited."""

    ids: list[int]
    names: list[str]
    bought: int
    used: int
    activation_id: int | None = None  # what undoing an activation is asked with
    invited: int = 0

    @property
    def free(self) -> int:
        """Licences that are left; none where more are used than bought, as after fewer were bought."""
        return max(self.bought - self.used, 0)


class NobodySelected(Exception):
    """The selection is empty, or made on a list of people with whom this cannot be done."""


class ChangedMeanwhile(Exception):
    """Some of those ticked are no longer what they were when ticked. Nothing was changed."""

    def __init__(self, strays: Sequence[Stray]) -> None:
        super().__init__(f"{len(strays)} users")
        self.strays = strays


class ListChanged(Exception):
    """The filters match other people than were shown. Nothing was changed."""

    def __init__(self, shown: int, found: int) -> None:
        super().__init__(f"{shown} shown, {found} found")
        self.shown = shown
        self.found = found


def lock_licences(session: Session, contract_id: int) -> int:
    """How many licences the contract has bought; whoever else changes who is active waits from now on.

    The lock leaves foreign keys to the contract alone, so a sync goes on importing meanwhile.
    """
    return session.execute(
        sa.select(Contract.licences).where(Contract.id == contract_id).with_for_update(key_share=True)
    ).scalar_one()


def permissions_now(
    session: Session, contract_id: int, user_id: int, needed: str = MANAGE_USERS
) -> frozenset[str]:
    """What the acting user may do at this moment. Raises ``Refused`` without ``needed``."""
    held = frozenset(
        session.scalars(
            sa.select(RolePermission.permission)
            .join(UserRole, UserRole.role_id == RolePermission.role_id)
            .join(User, User.id == UserRole.user_id)
            .where(User.id == user_id, User.contract_id == contract_id, User.status == "active")
        )
    )
    if needed not in held:
        raise Refused(Refusal("permission", needed, PERMISSIONS[needed]))
    return held


def checked(found: Found, selection: Selection, stamp: str) -> list[int]:
    """The IDs of who was found, if they are who was shown; ``stamp`` is that of everybody who was.

    Raises :class:`ChangedMeanwhile`, :class:`ListChanged` or :class:`NobodySelected`.
    """
    if found.strays:
        raise ChangedMeanwhile(found.strays)
    if selection.everyone and found.stamp != stamp:
        raise ListChanged(whole(stamp.partition(".")[0]) or 0, len(found.ids))
    if not found.ids:
        raise NobodySelected
    return found.ids


def change_status(
    session: Session, contract_id: int, ids: list[int], *, before: str, after: str, now: datetime
) -> None:
    """Give users another status and take away the roles, teams and reporting access they had.

    Who becomes inactive while no platform lists them any more is remembered as one who left, and is signed out
    everywhere unless another contract has them.

    Raises :class:`ListChanged` unless every one of them has the status ``before``.
    """
    chosen = (User.contract_id == contract_id, User.id.in_(ids))
    session.execute(sa.select(User.id).where(*chosen).order_by(User.id).with_for_update(key_share=True))
    for table in map(table_of, (UserRole, UserTeam, ReportingAccess)):
        rows_changed(
            session, sa.delete(table).where(table.c.contract_id == contract_id, table.c.user_id.in_(ids))
        )
    changed = rows_changed(
        session,
        sa.update(User)
        .where(*chosen, User.status == before)
        .values(
            status=after,
            status_since=now,
            changed_at=now,
            left_since=gone_since() if after == "inactive" else None,
        ),
    )
    if changed != len(ids):
        raise ListChanged(len(ids), changed)
    if after == "inactive":
        sessions.end_where_nothing_is_left(session, ids)


def names_of(session: Session, contract_id: int, ids: Sequence[int], limit: int = NAMED) -> list[str]:
    """The names of the first ``limit`` users in ``ids``, in that order; without a lock, of those still there."""
    wanted = ids[:limit]
    found: dict[int, str] = dict(
        session.execute(
            sa.select(User.id, User.name).where(User.contract_id == contract_id, User.id.in_(wanted))
        ).all()
    )
    return [found[user_id] for user_id in wanted if user_id in found]


def target_of(ids: Sequence[int], names: Sequence[str]) -> dict[str, Any]:
    """Whom an audit row is about: the one user, or how many."""
    if len(ids) == 1:
        return {"target": names[0], "target_type": "user", "target_id": ids[0]}
    return {"target": f"{len(ids):,} users", "target_type": "users"}


def who(ids: Sequence[int], names: Sequence[str]) -> dict[str, Any]:
    """Who a batch was, for the audit row: names as far as they are given, and every ID."""
    more = len(ids) - len(names)
    listed = [*names, f"and {more:,} more"] if more else [*names]
    return {"users": listed, log.IDS: ranges(ids)}
