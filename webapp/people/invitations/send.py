"""Inviting active users who cannot sign in yet: sending, sending again, revoking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.accounts.sign_in import tokens
from webapp.core.audit import log
from webapp.core.bulk_rows import insert_rows
from webapp.core.database import rows_changed, write_transaction
from webapp.core.id_ranges import chunks
from webapp.core.models import Contract, Invitation, User, table_of, utcnow
from webapp.notifications.mail import outbox
from webapp.people.directory import bulk
from webapp.people.directory.directory import Directory, directory_of
from webapp.people.directory.giving import giver_now, who_has_more
from webapp.people.directory.setup import Giver
from webapp.people.invitations import emails

PURPOSE = "invitation"
LIFETIME = timedelta(days=7)
AGAIN_AFTER = timedelta(minutes=1)
MOST_A_DAY = 5  # to one user

NOT_ACTIVE = "not_active"
HAS_ACCOUNT = "has_account"
NO_EMAIL = "no_email"
ABOVE = "above"
TOO_OFTEN = "too_often"


class UnknownUser(Exception):
    """The contract has no such user."""


class CannotInvite(Exception):
    """Nothing was done; ``reason`` is one of the words of this module."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Invited:
    """Who was mailed, and of the others why not, by user ID."""

    ids: list[int] = field(default_factory=list)
    left_out: dict[int, str] = field(default_factory=dict)


def invite(session: Session, contract_id: int, user_ids: Sequence[int], by_user_id: int) -> Invited:
    """Mail an invitation to those of ``user_ids`` who are active, have an email and no account yet.

    Goes into the caller's write transaction, with one audit row. An earlier link of theirs is void from then on.
    Raises ``access.Refused`` when the inviting user may not manage users.
    """
    directory = directory_of(session, contract_id)
    giver = giver_now(session, directory, by_user_id)
    contract = session.get_one(Contract, contract_id)
    inviter = session.get_one(User, by_user_id).name
    done, now, again = Invited(), utcnow(), False
    for ids in chunks(user_ids):
        users = _locked(session, contract_id, ids)
        done.left_out.update(_left_out(session, users, directory, giver, now))
        chosen = [user for user in users if user.id not in done.left_out]
        again = _replace_open(session, [user.id for user in chosen], now, inviter) > 0 or again
        secrets = [tokens.new(PURPOSE) for _ in chosen]
        insert_rows(
            session.connection(),
            table_of(Invitation),
            ("user_id", "email", "email_key", "token_hash"),
            [
                (user.id, user.email or "", user.email_key or "", token_hash)
                for user, (_, token_hash) in zip(chosen, secrets, strict=True)
            ],
            {
                "contract_id": contract_id,
                "inviter_id": by_user_id,
                "invited_by": inviter,
                "created_at": now,
                "expires_at": now + LIFETIME,
            },
        )
        invitations = _open(session, [user.id for user in chosen])
        mails = [
            emails.invitation(
                to=user.email or "",
                name=user.name,
                contract=contract.name,
                inviter=inviter,
                days=LIFETIME.days,
                token=token,
                invitation_id=invitations[user.id],
            )
            for user, (token, _) in zip(chosen, secrets, strict=True)
        ]
        outbox.queue_personal(session, mails, contract_id=contract_id, purpose=PURPOSE)
        done.ids.extend(user.id for user in chosen)
    if done.ids:
        mailed = set(done.ids)
        names = bulk.names_of(session, contract_id, [one for one in user_ids if one in mailed])  # as listed
        single = len(done.ids) == 1
        log.record(
            session,
            "invitation.sent_again" if again and single else "invitation.sent",
            contract_id=contract_id,
            details={} if single else bulk.who(done.ids, names),
            **bulk.target_of(done.ids, names),
        )
    return done


def send(contract_id: int, user_id: int, by_user_id: int) -> None:
    """Mail one user an invitation, or another one. Raises :class:`UnknownUser` and :class:`CannotInvite`."""
    with write_transaction() as session:
        _known(session, contract_id, user_id)
        done = invite(session, contract_id, [user_id], by_user_id)
        if not done.ids:
            raise CannotInvite(done.left_out[user_id])


def hold_back(session: Session, contract_id: int, user_ids: Sequence[int], why: str) -> None:
    """Mail nobody of ``user_ids``, who are not active any more, an invitation that still waits to be sent."""
    gone = set(user_ids)
    for ids in chunks(user_ids):
        theirs = sa.select(Invitation.email).where(Invitation.user_id.in_(ids), Invitation.outcome.is_(None))
        found = session.execute(
            sa.select(Invitation.email, Invitation.user_id).where(
                Invitation.contract_id == contract_id,
                Invitation.outcome.is_(None),
                Invitation.email.in_(theirs),
            )
        ).all()
        others = {
            email for email, user_id in found if user_id not in gone
        }  # with the same email, still active
        outbox.hold_back(
            session,
            {email for email, _ in found} - others,
            contract_id=contract_id,
            purpose=PURPOSE,
            why=why,
        )


def revoke(contract_id: int, user_id: int, by_user_id: int) -> bool:
    """Void the open invitation of a user; whether there was one.

    Raises :class:`UnknownUser`, and :class:`CannotInvite` where the user has more than who revokes.
    """
    with write_transaction() as session:
        user = _known(session, contract_id, user_id)
        directory = directory_of(session, contract_id)
        if who_has_more(session, [user_id], directory, giver_now(session, directory, by_user_id)):
            raise CannotInvite(ABOVE)
        revoked = rows_changed(
            session,
            sa.update(Invitation)
            .where(Invitation.user_id == user_id, Invitation.outcome.is_(None))
            .values(outcome="revoked", ended_at=utcnow(), ended_by=session.get_one(User, by_user_id).name),
        )
        if revoked:
            log.record(
                session,
                "invitation.revoked",
                user.name,
                contract_id=contract_id,
                target_type="user",
                target_id=user_id,
            )
    return bool(revoked)


def hindrance(user: User) -> str | None:
    """Why the user as such cannot be invited, or ``None``."""
    if user.status != "active":
        return NOT_ACTIVE
    if user.account_id is not None:
        return HAS_ACCOUNT
    if not user.email or not outbox.can_reach(user.email):
        return NO_EMAIL
    return None


def _left_out(
    session: Session, users: Sequence[User], directory: Directory, giver: Giver, now: datetime
) -> dict[int, str]:
    """Who of ``users`` is not mailed, and why."""
    ids = [user.id for user in users]
    reasons = dict.fromkeys(_mailed_too_often(session, ids, now), TOO_OFTEN)
    reasons |= dict.fromkeys(who_has_more(session, ids, directory, giver), ABOVE)
    return reasons | {user.id: reason for user in users if (reason := hindrance(user)) is not None}


def _mailed_too_often(session: Session, user_ids: Sequence[int], now: datetime) -> list[int]:
    newest, count = sa.func.max(Invitation.created_at), sa.func.count()
    return list(
        session.scalars(
            sa.select(Invitation.user_id)
            .where(Invitation.user_id.in_(user_ids), Invitation.created_at > now - timedelta(days=1))
            .group_by(Invitation.user_id)
            .having(sa.or_(newest > now - AGAIN_AFTER, count >= MOST_A_DAY))
        )
    )


def _replace_open(session: Session, user_ids: Sequence[int], now: datetime, by: str) -> int:
    return rows_changed(
        session,
        sa.update(Invitation)
        .where(Invitation.user_id.in_(user_ids), Invitation.outcome.is_(None))
        .values(outcome="replaced", ended_at=now, ended_by=by),
    )


def _open(session: Session, user_ids: Sequence[int]) -> dict[int, int]:
    """The open invitation of each of them."""
    open_ones = sa.select(Invitation.user_id, Invitation.id).where(
        Invitation.user_id.in_(user_ids), Invitation.outcome.is_(None)
    )
    return dict(session.execute(open_ones).all())


def _locked(session: Session, contract_id: int, user_ids: Sequence[int]) -> list[User]:
    return list(
        session.scalars(
            sa.select(User)
            .where(User.contract_id == contract_id, User.id.in_(user_ids))
            .order_by(User.id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
    )


def _known(session: Session, contract_id: int, user_id: int) -> User:
    users = _locked(session, contract_id, [user_id])
    if not users:
        raise UnknownUser
    return users[0]
