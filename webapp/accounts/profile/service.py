"""Changing the name, the password and the email of an account, and ending its sessions."""

from __future__ import annotations

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from config import Settings
from webapp.accounts.profile import emails
from webapp.accounts.sign_in import audit, links, passwords, sessions, throttle
from webapp.accounts.sign_in.accounts import BY_COMMAND, find_account, locked, still_fits
from webapp.core import account_links
from webapp.core.audit import log
from webapp.core.database import write_transaction
from webapp.core.match_keys import match_key
from webapp.core.models import Account, Contract, User, db, utcnow
from webapp.core.models.user import NAME_MAX
from webapp.core.names import name_problem, tidied


class WrongPassword(Exception):
    """It is not the account's current password."""


class NameRefused(Exception):
    """The name cannot be the account's; the text says what to do."""


class EmailRefused(Exception):
    """The email cannot be the account's; the text says why and what to do."""


def words_about(session: Session, account: Account, product: str) -> tuple[str, ...]:
    """What somebody who guesses the account's password knows: its email, its name, its contracts, the product."""
    contracts = session.scalars(
        sa.select(Contract.name)
        .join(User, User.contract_id == Contract.id)
        .where(User.account_id == account.id, User.status == "active")
    )
    return (account.email, account.email.partition("@")[0], account.name, product, *contracts)


def change_name(account: Account, name: str) -> bool:
    """Another name for what the account does; whether it is another. Raises :class:`NameRefused`.

    What its users are called is up to their contracts.
    """
    name = tidied(name)
    if problem := name_problem(name, 1, NAME_MAX):
        raise NameRefused(problem)
    with write_transaction() as session:
        account = locked(session, account.id)
        before = account.name
        if name == before:
            return False
        audit.record(
            session,
            "account.renamed",
            account.email,
            account,
            details={"name": log.changed(before, name)},
        )
        account.name = name  # after the row, whose actor still has the name before
    return True


def change_password(
    account: Account, current: str, password: str, settings: Settings, *, address: str, session_id: int
) -> None:
    """A new password for who knows the current one; every session but this one ends.

    Raises :class:`WrongPassword`, ``Throttled``, ``PasswordRefused`` and ``Busy``.
    """
    with passwords.place():
        proved = prove(account, current, address)
        passwords.check(password, context=words_about(db.session(), account, settings.product_name))
        hashed = passwords.hash_password(password)
    with write_transaction() as session:
        account = locked(session, account.id)
        if not still_fits(account, current, proved):
            raise WrongPassword
        put_password(session, account, hashed, settings, kept_session=session_id)
        audit.record(session, "account.password_changed", account.email, account)


def set_password(session: Session, account: Account, password: str, settings: Settings) -> None:
    """A new password by an operator, inside a write transaction. Raises ``PasswordRefused``."""
    passwords.check(password, context=words_about(session, account, settings.product_name))
    put_password(session, account, passwords.hash_password(password), settings)
    audit.record(session, "account.password_set", account.email, account, actor=BY_COMMAND)


def put_password(
    session: Session, account: Account, hashed: str, settings: Settings, *, kept_session: int | None = None
) -> None:
    """Store the hash of a new password: other sessions and mailed links end, and its owner is told."""
    account.password_hash = hashed
    sessions.end_others(session, account.id, kept_session)
    links.void(session, account.id)
    emails.password_changed(session, settings.product_name, account.email)


def ask_for_email(account: Account, current: str, email: str, settings: Settings, *, address: str) -> str:
    """Mail a link to the new email, and a notice to the old one; the new one as it was understood.

    An email that has an account already gets the same answer, and its owner a mail of another kind.
    Raises :class:`WrongPassword`, :class:`EmailRefused`, ``Throttled`` and ``Busy``.
    """
    try:
        wanted = validate_email(email, check_deliverability=False, test_environment=account.demo).normalized
    except EmailNotValidError as error:
        raise EmailRefused(f"“{email}” is not an email address. {error}") from error
    if match_key(wanted) == account.email_key:
        raise EmailRefused("That is your email already.")
    proved = prove(account, current, address)
    now = utcnow()
    with write_transaction() as session:
        until = throttle.admit(session, account.email_key, address, now, throttle.OWN_MAILS)
        if until is None:
            account = locked(session, account.id)
            if not still_fits(account, current, proved):
                raise WrongPassword
            other = find_account(session, wanted)
            if other is not None:
                emails.email_taken(session, settings.product_name, other.email)
            else:
                token = links.make(session, account_links.EMAIL, account.id, now, wanted)
                emails.confirm_email(session, settings.product_name, wanted, account.email, token)
            emails.email_asked(session, settings.product_name, account.email, wanted)
            audit.record(session, "account.email_asked", account.email, account)
    if until is not None:
        raise throttle.Throttled(until)
    return wanted


def new_email(account: Account, token: str) -> str:
    """The email that the link behind ``token`` would give to ``account``. Raises ``LinkGone``."""
    link = links.find(db.session(), account_links.EMAIL, token, utcnow())
    if link.account_id != account.id or link.email is None:
        raise links.LinkGone
    return link.email


def confirm_email(account: Account, token: str, settings: Settings) -> str:
    """Let the account sign in with the email that its link was mailed to; the users stay as they are.

    Raises ``LinkGone`` and :class:`EmailRefused`.
    """
    taken = EmailRefused("Another account has this email by now, so yours stays as it is.")
    try:
        with write_transaction() as session:
            account = locked(session, account.id)
            link = links.find(session, account_links.EMAIL, token, utcnow())
            if link.account_id != account.id or link.email is None:
                raise links.LinkGone
            if find_account(session, link.email) is not None:
                raise taken
            links.use_up(session, link)
            before, after = account.email, link.email
            account.email, account.email_key = after, match_key(after) or ""
            session.flush()
            emails.email_changed(session, settings.product_name, before, after)
            audit.record(
                session,
                "account.email_changed",
                after,
                account,
                details={"email": log.changed(before, after)},
            )
    except IntegrityError as error:  # taken at the same moment
        raise taken from error
    return after


def end_session(account: Account, session_id: int) -> bool:
    """End one session of the account; whether it had such a one."""
    with write_transaction() as session:
        found = sessions.end_one(session, account.id, session_id)
        if found:
            audit.record(session, "account.sessions_ended", account.email, account)
    return found


def end_other_sessions(account: Account, kept_id: int) -> int:
    """Sign the account out everywhere but here; how many sessions that ended."""
    with write_transaction() as session:
        ended = sessions.end_others(session, account.id, kept_id)
        if ended:
            audit.record(session, "account.sessions_ended", account.email, account)
    return ended


def prove(account: Account, current: str, address: str) -> str | None:
    """Whoever sits there knows the password; its hash. Raises :class:`WrongPassword`, ``Throttled`` or ``Busy``."""
    with passwords.place():
        return _prove(account, current, address)


def _prove(account: Account, current: str, address: str) -> str | None:
    with write_transaction() as session:
        until = throttle.admit(session, account.email_key, address, utcnow(), throttle.PROOF)
    if until is not None:
        raise throttle.Throttled(until)
    proved = account.password_hash
    if not passwords.verify(current, proved):
        with write_transaction() as session:
            audit.record(session, "account.proof_failed", account.email, account)
        raise WrongPassword
    with write_transaction() as session:
        throttle.forgive(session, account.email_key, address, utcnow(), throttle.PROOF)
    return proved
