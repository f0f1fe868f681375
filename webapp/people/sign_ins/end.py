"""Ending somebody's sign-ins, for one contract.

An account belongs to no contract, so nobody but its owner ends its sessions. What a contract can end is what they open:
a sign-in from before :attr:`~webapp.core.models.User.sign_ins_ended_at` opens this contract no more, others as before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.accounts.sign_in import sessions
from webapp.core.audit import log
from webapp.core.database import write_transaction
from webapp.core.models import SignInSession, User, utcnow
from webapp.core.models.user import MERGED
from webapp.people.directory import bulk
from webapp.people.directory.directory import directory_of
from webapp.people.directory.giving import giver_now, who_has_more


class Yourself(Exception):
    """Whoever asks means themselves, which is done on their own account page."""


class Above(Exception):
    """The user has more than whoever asks."""


class NoAccount(Exception):
    """Nobody signs in as this user."""


@dataclass(frozen=True)
class SignIns:
    """How somebody signs in here: how many sign-ins open this contract now, and when it was opened last."""

    open: int
    last_seen_at: datetime | None
    ended_at: datetime | None


def sign_ins_of(session: Session, user: User, idle_since: datetime) -> SignIns:
    """``idle_since``: a sign-in that was used last before that is over."""
    count = session.scalar(
        sa.select(sa.func.count()).where(
            SignInSession.account_id == user.account_id,
            SignInSession.expires_at > utcnow(),
            SignInSession.last_seen_at > idle_since,
            sa.true()
            if user.sign_ins_ended_at is None
            else SignInSession.created_at > user.sign_ins_ended_at,
        )
    )
    active = user.status == "active"
    return SignIns((count or 0) if active else 0, user.last_seen_at, user.sign_ins_ended_at)


def end_sign_ins(contract_id: int, user_id: int, *, by_user_id: int) -> str:
    """Let no sign-in of before open the contract any more; the user's name.

    One transaction with its audit row. Raises, with nothing changed: ``LookupError``, :class:`Yourself`,
    :class:`Above`, :class:`NoAccount` and ``access.Refused``.
    """
    with write_transaction() as session:
        bulk.lock_licences(session, contract_id)
        directory = directory_of(session, contract_id)
        giver = giver_now(session, directory, by_user_id)
        user = session.scalars(
            sa.select(User)
            .where(User.id == user_id, User.contract_id == contract_id, User.status != MERGED)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        ).one_or_none()
        if user is None:
            raise LookupError(user_id)
        if user.id == by_user_id:
            raise Yourself
        if who_has_more(session, [user.id], directory, giver):
            raise Above
        if user.account_id is None:
            raise NoAccount
        user.sign_ins_ended_at = utcnow()
        session.flush()
        sessions.end_where_nothing_is_left(session, [user.id], not_counting=[user.id])
        log.record(
            session,
            "users.sign_ins_ended",
            user.name,
            contract_id=contract_id,
            target_type="user",
            target_id=user.id,
        )
        return user.name
