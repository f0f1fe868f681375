"""What an operator does with an account that is there: closing, opening again, another sign-in email."""

from __future__ import annotations

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from sqlalchemy.orm import Session

from webapp.accounts.sign_in import accounts, audit, links, sessions
from webapp.core.audit import log
from webapp.core.match_keys import match_key
from webapp.core.models import Account, AuditEvent, Contract, Role, User, UserRole

EMAIL_SET = "account.email_set"


def close(session: Session, account: Account) -> bool:
    """Nobody can sign in with the account any more; whether that changed anything."""
    if account.disabled_at is not None:
        return False
    accounts.close(session, account)
    return True


def reopen(session: Session, account: Account) -> bool:
    """Let the account sign in again, once it has a new password; whether that changed anything."""
    if account.disabled_at is None:
        return False
    account.disabled_at = None
    audit.record(session, "account.reopened", account.email, account, actor=accounts.BY_COMMAND)
    return True


def set_email(session: Session, account: Account, email: str) -> bool:
    """Let the account sign in with another email, and end its sessions and mailed links; whether that changed anything.

    The users of its contracts keep the email they have there. Raises ``AccountRefused``.
    """
    try:
        address = validate_email(email, check_deliverability=False, test_environment=account.demo).normalized
    except EmailNotValidError as error:
        raise accounts.AccountRefused(f"“{email}” is not an email address. {error}") from error
    if address == account.email:
        return False
    other = accounts.find_account(session, address)
    if other is not None and other.id != account.id:
        raise accounts.AccountRefused(
            f"There is an account {address} already. Close or rename that one first."
        )
    before = account.email
    account.email, account.email_key = address, match_key(address) or ""
    sessions.end_all(session, account.id)
    links.void(session, account.id)  # they were mailed to the email before
    audit.record(
        session,
        EMAIL_SET,
        address,
        account,
        actor=accounts.BY_COMMAND,
        details={"email": log.changed(before, address)},
    )
    return True


def had_email(session: Session, account: Account, email: str) -> bool:
    """Whether an operator has changed the account's email from ``email`` to what it is."""
    changes = session.scalars(
        sa.select(AuditEvent.details).where(
            AuditEvent.action == EMAIL_SET,
            AuditEvent.target_type == "account",
            AuditEvent.target_id == account.id,
        )
    )
    return any(details and match_key(details["email"]["before"]) == match_key(email) for details in changes)


def without_administrator(session: Session, account: Account) -> list[str]:
    """The contracts of the account in which no administrator can sign in any more."""
    mine = sa.select(User.contract_id).where(User.account_id == account.id, User.status == "active")
    somebody = (
        sa.exists()
        .where(
            User.contract_id == Contract.id,
            User.status == "active",
            UserRole.user_id == User.id,
            Role.id == UserRole.role_id,
            Role.key == "administrator",
            Account.id == User.account_id,
            Account.disabled_at.is_(None),
            Account.password_hash.is_not(None),
        )
        .correlate(Contract)
    )
    return list(
        session.scalars(
            sa.select(Contract.slug).where(Contract.id.in_(mine), ~somebody).order_by(Contract.slug)
        )
    )
