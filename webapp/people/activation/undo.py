"""Undoing an activation: everybody of it goes back to what they were, or nobody does."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit import log
from webapp.core.contracts import licences_used
from webapp.core.database import rows_changed, write_transaction
from webapp.core.id_ranges import chunks, ids_in
from webapp.core.models import Activation, User, utcnow
from webapp.people.activation.undo_checks import Reasons, people_of, why_not
from webapp.people.directory import bulk
from webapp.people.directory.directory import directory_of
from webapp.people.invitations import send


class UndoneBefore(Exception):
    """Somebody undid it already."""


class CannotUndo(Exception):
    """Somebody of the batch stands in the way. Nobody was changed. ``reasons`` by user ID, in words."""

    def __init__(self, reasons: Reasons) -> None:
        super().__init__(f"{len(reasons)} users")
        self.reasons = reasons


def undo(contract_id: int, activation_id: int, *, by: str, by_user_id: int) -> bulk.Done:
    """Take roles, teams and access away again and free the licences, in one transaction with its audit row.

    Whoever waited goes on waiting since when they did before. Raises, with nothing changed: ``LookupError``,
    :class:`UndoneBefore`, :class:`CannotUndo` and ``access.Refused``.
    """
    with write_transaction() as session:
        bought = bulk.lock_licences(session, contract_id)
        permissions = bulk.permissions_now(session, contract_id, by_user_id)
        made = session.scalars(
            sa.select(Activation)
            .where(Activation.id == activation_id, Activation.contract_id == contract_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).one_or_none()
        if made is None:
            raise LookupError(activation_id)
        if made.undone_at is not None:
            raise UndoneBefore
        ids = people_of(made)
        _lock(session, contract_id, ids)
        reasons = why_not(
            session,
            made,
            directory_of(session, contract_id),
            by_user_id=by_user_id,
            permissions=permissions,
        )
        if reasons:
            raise CannotUndo(reasons)
        now = utcnow()
        for some in chunks(ids):
            bulk.change_status(session, contract_id, some, before="active", after=made.before_status, now=now)
        _set_back(session, made)
        send.hold_back(session, contract_id, ids, "It was not sent: the activation was undone before.")
        made.undone_at, made.undone_by = now, by
        names = bulk.names_of(session, contract_id, ids)
        log.record(
            session,
            "users.activation_undone",
            contract_id=contract_id,
            details={"status": log.changed("active", made.before_status)} | bulk.who(ids, names),
            **bulk.target_of(ids, names),
        )
        return bulk.Done(ids, names, bought, licences_used(session, contract_id))


def _lock(session: Session, contract_id: int, ids: list[int]) -> None:
    for some in chunks(ids):
        session.execute(
            sa.select(User.id)
            .where(User.contract_id == contract_id, User.id.in_(some))
            .order_by(User.id)
            .with_for_update(key_share=True)
        )


def _set_back(session: Session, made: Activation) -> None:
    """Since when they had their status before, and since when they had left."""
    for group in made.before:
        values = {
            "status_since": datetime.fromisoformat(group["since"]),
            "left_since": datetime.fromisoformat(group["left"]) if group["left"] else None,
        }
        for some in chunks(ids_in(group["ids"])):
            rows_changed(
                session,
                sa.update(User)
                .where(User.contract_id == made.contract_id, User.id.in_(some))
                .values(**values),
            )
