"""Signing in and out: the use cases behind the sign-in page."""

from __future__ import annotations

import logging

import sqlalchemy as sa

from config import Settings
from webapp.auth import account_events, passwords, sessions, throttle
from webapp.database import write_transaction
from webapp.models import Account, db, utcnow
from webapp.sync.keys import match_key

log = logging.getLogger(__name__)


class SignInFailed(Exception):
    """The email or the password is wrong; which one is not said."""


def sign_in(
    email: str, password: str, settings: Settings, *, address: str, user_agent: str, instead_of: str | None
) -> tuple[Account, str]:
    """The account and the secret of its new session, which takes the place of the one behind ``instead_of``.

    Raises :class:`SignInFailed` or ``Throttled``. Known and unknown emails take the same path.
    """
    key = match_key(email) or ""
    with write_transaction() as session:
        until = throttle.admit(session, key, address, utcnow())
    if until is not None:
        log.warning("sign-in throttled for %s", email, extra={"event": "denied"})
        raise throttle.Throttled(until)
    account = db.session.scalars(sa.select(Account).where(Account.email_key == key)).one_or_none()
    stored = account.password_hash if account is not None and account.disabled_at is None else None
    if not passwords.verify(password, stored) or account is None:
        with write_transaction() as session:
            account_events.record(session, "account.sign_in_failed", email, account)
        log.warning("sign-in failed for %s", email, extra={"event": "denied"})
        raise SignInFailed
    with write_transaction() as session:
        throttle.forgive(session, key, address, utcnow())
        account = session.get_one(Account, account.id)
        account.last_sign_in_at = utcnow()
        if passwords.needs_rehash(account.password_hash or ""):
            account.password_hash = passwords.hash_password(password)
        if instead_of:
            sessions.end(session, instead_of)
        token = sessions.start(session, account, settings, address=address, user_agent=user_agent)
        account_events.record(session, "account.signed_in", account.email, account, actor=account.name)
    return account, token


def sign_out(account: Account, token: str | None) -> None:
    """End this session on the server."""
    with write_transaction() as session:
        if token:
            sessions.end(session, token)
        account_events.record(session, "account.signed_out", account.email, account)


def set_theme(account: Account, theme: str) -> None:
    """Keep the colour theme an account chose: system, light or dark."""
    with write_transaction() as session:
        session.execute(sa.update(Account).where(Account.id == account.id).values(theme=theme))
