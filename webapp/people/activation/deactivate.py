"""Deactivating active users: their roles, teams and reporting access end and their licences are free again."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit import log
from webapp.core.contracts import licences_used
from webapp.core.database import write_transaction
from webapp.core.id_ranges import chunks
from webapp.core.models import Account, Role, User, UserRole, utcnow
from webapp.people.directory import bulk
from webapp.people.directory.directory import ADMINISTRATOR, Directory, directory_of
from webapp.people.directory.selection import Found, Selection, find
from webapp.people.directory.setup import beyond

FROM = "active"  # who can be deactivated
YOURSELF = "yourself"
ABOVE = "above"
LAST_ADMINISTRATOR = "last_administrator"


class Protected(Exception):
    """Some of those ticked may not be deactivated. Nobody was. ``reasons`` by user ID."""

    def __init__(self, reasons: dict[int, str]) -> None:
        super().__init__(f"{len(reasons)} users")
        self.reasons = reasons


def deactivate(contract_id: int, selection: Selection, *, by_user_id: int, stamp: str = "") -> bulk.Done:
    """Make everybody selected inactive, in one transaction with its audit row.

    Where everybody on a list was selected, who is protected stays as they are, and ``stamp`` is that of the
    others. Raises, with nothing changed: :class:`Protected`, ``NobodySelected``, ``ChangedMeanwhile``,
    ``ListChanged``, ``UnknownUsers`` and ``access.Refused``.
    """
    if selection.filters.status != FROM:
        raise bulk.NobodySelected
    with write_transaction() as session:
        bought = bulk.lock_licences(session, contract_id)
        directory = directory_of(session, contract_id)
        permissions = bulk.permissions_now(session, contract_id, by_user_id)
        found = find(session, selection, directory)
        reasons = protected(session, found.ids, directory, by_user_id=by_user_id, permissions=permissions)
        if selection.everyone:
            found = Found([user for user in found.ids if user not in reasons], found.strays)
        elif reasons:
            raise Protected(reasons)
        chosen = bulk.checked(found, selection, stamp)
        now = utcnow()
        for ids in chunks(chosen):
            bulk.change_status(session, contract_id, ids, before=FROM, after="inactive", now=now)
        names = bulk.names_of(session, contract_id, chosen)
        log.record(
            session,
            "users.deactivated",
            contract_id=contract_id,
            details=bulk.who(chosen, names),
            **bulk.target_of(chosen, names),
        )
        return bulk.Done(chosen, names, bought, licences_used(session, contract_id))


def protected(
    session: Session,
    ids: Collection[int],
    directory: Directory,
    *,
    by_user_id: int,
    permissions: frozenset[str],
) -> dict[int, str]:
    """Which of ``ids`` whoever has ``permissions`` may not deactivate, each with the reason.

    Nobody deactivates themselves, or someone who may do more than they; and one administrator who can sign in
    stays in any case.
    """
    chosen = set(ids)
    higher = [role.id for role in beyond(directory.role_by_id, permissions, directory)]
    above = session.scalars(sa.select(UserRole.user_id).where(UserRole.role_id.in_(higher))) if higher else ()
    reasons = dict.fromkeys(chosen.intersection(above), ABOVE)
    if by_user_id in chosen:
        reasons[by_user_id] = YOURSELF
    administrators = set(session.scalars(administrators_who_sign_in(directory.contract_id)).all())
    if administrators and administrators <= chosen - reasons.keys():
        reasons |= dict.fromkeys(administrators, LAST_ADMINISTRATOR)
    return reasons


def administrators_who_sign_in(contract_id: int) -> sa.Select[int]:
    """Active administrators who can sign in."""
    return (
        sa.select(User.id)
        .join(UserRole, UserRole.user_id == User.id)
        .join(Role, Role.id == UserRole.role_id)
        .join(Account, Account.id == User.account_id)
        .where(
            User.contract_id == contract_id,
            User.status == "active",
            Role.key == ADMINISTRATOR,
            Account.disabled_at.is_(None),
        )
    )
