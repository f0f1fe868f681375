"""Accepting an invitation: with an account of its own, or with a new one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from config import Settings
from webapp.accounts.sign_in import accounts, audit, passwords, sessions, tokens
from webapp.core.audit import log
from webapp.core.database import rows_changed, write_transaction
from webapp.core.models import Account, Contract, Invitation, User, db, utcnow
from webapp.core.permissions import Refused
from webapp.people.directory.directory import directory_of
from webapp.people.directory.giving import giver_now, who_has_more
from webapp.people.invitations.send import PURPOSE

# Why a link opens nothing.
UNKNOWN = "unknown"
ACCEPTED = "accepted"
REVOKED = "revoked"
REPLACED = "replaced"
EXPIRED = "expired"
NOT_ACTIVE = "not_active"
HAS_ACCOUNT = "has_account"
EMAIL_CHANGED = "email_changed"
INVITER = "inviter"
CLOSED = "closed"
TWICE = "twice"


class InvitationGone(Exception):
    """The link opens nothing; ``reason`` is one of the words of this module, ``contract`` its name if known."""

    def __init__(self, reason: str, contract: Contract | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.contract = contract


class AccountExists(Exception):
    """The email has an account by now, whose password is asked for instead."""


class OtherAccount(Exception):
    """The invitation is for another email than that of the account."""


@dataclass(frozen=True)
class Offer:
    """What a link opens. ``account`` is the one with its email, if there is one."""

    invitation: Invitation
    contract: Contract
    user: User
    account: Account | None


def offer(token: str) -> Offer:
    """What the link behind ``token`` opens. Raises :class:`InvitationGone`."""
    return _judged(db.session(), token, utcnow())


def still_opens(session: Session, invitation_id: int) -> bool:
    """Whether the link of an invitation opens something at this moment."""
    invitation = session.get_one(Invitation, invitation_id, populate_existing=True)
    user = session.get_one(User, invitation.user_id, populate_existing=True)
    account = accounts.find_account(session, invitation.email)
    return _reason(session, invitation, user, account, utcnow()) is None


def accept_with_new_account(
    token: str, password: str, settings: Settings, *, address: str, user_agent: str
) -> tuple[Account, str, Contract]:
    """Make the account and tie it to the user; the account, the secret of its session, and the contract.

    Raises :class:`InvitationGone`, :class:`AccountExists`, ``PasswordRefused`` and ``Busy``.
    """
    offered = offer(token)
    if offered.account is not None:
        raise AccountExists
    email = offered.invitation.email
    with passwords.place():
        passwords.check(
            password,
            context=(
                email,
                email.partition("@")[0],
                offered.user.name,
                offered.contract.name,
                settings.product_name,
            ),
        )
        hashed = passwords.hash_password(password)
    try:
        with write_transaction() as session:
            offered = _judged(session, token, utcnow(), lock=True)
            if offered.account is not None:
                raise AccountExists
            account = accounts.add(
                session, email=email, name=offered.user.name, password_hash=hashed, actor=offered.user.name
            )
            _tie(session, offered, account)
            account.last_sign_in_at = utcnow()
            secret = sessions.start(session, account, settings, address=address, user_agent=user_agent)
            audit.record(session, "account.signed_in", email, account, actor=account.name)
    except IntegrityError as error:  # the same email, accepted elsewhere at the same moment
        raise AccountExists from error
    return account, secret, offered.contract


def accept_as(account: Account, token: str) -> Contract:
    """Tie the account to the user; it keeps its password. Raises :class:`InvitationGone`, :class:`OtherAccount`."""
    try:
        with write_transaction() as session:
            offered = _judged(session, token, utcnow(), lock=True)
            account = accounts.locked(session, account.id)
            if account.email_key != offered.invitation.email_key or account.disabled_at is not None:
                raise OtherAccount
            _tie(session, offered, account)
    except IntegrityError as error:  # tied to another user of the contract at the same moment
        raise InvitationGone(TWICE) from error
    return offered.contract


def _judged(session: Session, token: str, now: datetime, *, lock: bool = False) -> Offer:
    """What the link opens at this moment; with ``lock`` nobody else can accept it meanwhile."""
    query = sa.select(Invitation).where(Invitation.token_hash == tokens.hash_of(PURPOSE, token))
    invitation = session.scalars(query).one_or_none()
    if invitation is None:
        raise InvitationGone(UNKNOWN)
    contract = session.get_one(Contract, invitation.contract_id)
    users = sa.select(User).where(User.contract_id == invitation.contract_id, User.id == invitation.user_id)
    if lock:  # the user first, as everybody does who changes invitations
        users = users.with_for_update().execution_options(populate_existing=True)
    user = session.scalars(users).one()
    if lock:
        session.refresh(invitation, with_for_update=True)
    account = accounts.find_account(session, invitation.email)
    reason = _reason(session, invitation, user, account, now)
    if reason is not None:
        raise InvitationGone(reason, contract)
    return Offer(invitation, contract, user, account)


def _reason(
    session: Session, invitation: Invitation, user: User, account: Account | None, now: datetime
) -> str | None:
    """Why the link opens nothing, or ``None`` when it does."""
    if invitation.outcome is not None:
        return invitation.outcome
    if invitation.expires_at <= now:
        return EXPIRED
    if user.status != "active" or user.status_since > invitation.created_at:
        return NOT_ACTIVE  # a new start after a deactivation needs a new invitation
    if user.account_id is not None:
        return HAS_ACCOUNT
    if user.email_key != invitation.email_key:
        return EMAIL_CHANGED
    if not inviter_still_may(session, invitation):
        return INVITER
    if account is not None and account.disabled_at is not None:
        return CLOSED
    if account is not None and session.scalar(_user_of(account.id, invitation.contract_id)) is not None:
        return TWICE
    return None


def inviter_still_may(session: Session, invitation: Invitation) -> bool:
    """Whether who sent it could send it now."""
    directory = directory_of(session, invitation.contract_id)
    try:
        giver = giver_now(session, directory, invitation.inviter_id)
    except Refused:
        return False
    return not who_has_more(session, [invitation.user_id], directory, giver)


def _user_of(account_id: int, contract_id: int) -> sa.Select[int]:
    return sa.select(User.id).where(User.account_id == account_id, User.contract_id == contract_id)


def _tie(session: Session, offered: Offer, account: Account) -> None:
    """Give the account to the user and end the invitation, both at once or not at all."""
    invitation, user = offered.invitation, offered.user
    accepted = rows_changed(
        session,
        sa.update(Invitation)
        .where(Invitation.id == invitation.id, Invitation.outcome.is_(None))
        .values(outcome="accepted", ended_at=utcnow(), ended_by=account.name),
    )
    if accepted != 1:
        raise InvitationGone(ACCEPTED, offered.contract)
    user.account_id = account.id
    session.flush()
    log.record(
        session,
        "invitation.accepted",
        user.name,
        contract_id=user.contract_id,
        target_type="user",
        target_id=user.id,
        details={"account": account.email},
        actor=account.name,
    )
