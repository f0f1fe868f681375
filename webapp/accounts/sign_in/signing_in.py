"""Signing in and out: the use cases behind the sign-in page."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from hmac import compare_digest

import sqlalchemy as sa
from sqlalchemy.orm import Session

from config import Settings
from webapp.accounts.sign_in import accounts, audit, passwords, sessions, throttle
from webapp.accounts.sign_in.known_browsers import Browser
from webapp.core.database import write_transaction
from webapp.core.match_keys import match_key
from webapp.core.models import Account, db, utcnow

log = logging.getLogger(__name__)

KNOWN_FOR = timedelta(days=30)  # an address from which somebody has signed in


class SignInFailed(Exception):
    """The email or the password is wrong; which one is not said."""


@dataclass(frozen=True)
class Visit:
    """Where a try comes from: an address, and a browser that may be known."""

    address: str
    user_agent: str
    browser: Browser


def sign_in(
    email: str, password: str, settings: Settings, *, visit: Visit, instead_of: str | None
) -> tuple[Account, str]:
    """The account and the secret of its new session, which takes the place of the one behind ``instead_of``.

    Raises :class:`SignInFailed`, ``Throttled`` or ``Busy``. Known and unknown emails take the same path.
    """
    with passwords.place():
        return _sign_in(email, password, settings, visit, instead_of)


def _sign_in(
    email: str, password: str, settings: Settings, visit: Visit, instead_of: str | None
) -> tuple[Account, str]:
    key = match_key(email) or ""
    known = visit.browser.knows(_account(key))
    source, tries = (visit.browser.id, throttle.KNOWN_SIGN_IN) if known else (visit.address, throttle.SIGN_IN)
    with write_transaction() as session:
        until = throttle.admit(
            session, key, source, utcnow(), tries, is_known=lambda: is_known(session, key, visit.address)
        )
    if until is not None:
        log.warning("sign-in throttled for %s", audit.who(key, None), extra={"event": "denied"})
        raise throttle.Throttled(until)
    account = _account(key)
    stored = account.password_hash if account is not None and account.disabled_at is None else None
    if passwords.verify(password, stored) and account is not None:
        renewed = passwords.renewed(password, stored or "")
        with write_transaction() as session:
            account = accounts.locked(session, account.id)
            if accounts.still_fits(account, password, stored):  # nobody has set another one meanwhile
                throttle.forgive(session, key, source, utcnow(), tries)
                account.last_sign_in_at = utcnow()
                if renewed and compare_digest(account.password_hash or "", stored or ""):
                    account.password_hash = renewed
                if instead_of:
                    sessions.end(session, instead_of)
                token = sessions.start(
                    session, account, settings, address=visit.address, user_agent=visit.user_agent
                )
                audit.record(session, "account.signed_in", account.email, account, actor=account.name)
                return account, token
    with write_transaction() as session:
        audit.record_try(session, "account.sign_in_failed", key, account)
    log.warning("sign-in failed for %s", audit.who(key, account), extra={"event": "denied"})
    raise SignInFailed


def _account(key: str) -> Account | None:
    return db.session.scalars(sa.select(Account).where(Account.email_key == key)).one_or_none()


def is_known(session: Session, key: str, address: str) -> bool:
    """Whether the account with this email has signed in from this network lately."""
    account_id = session.scalar(sa.select(Account.id).where(Account.email_key == key))
    if account_id is None:
        return False
    used = audit.signed_in_from(session, account_id, utcnow() - KNOWN_FOR)
    return throttle.network_of(address) in map(throttle.network_of, used)


def sign_out(account: Account, token: str | None) -> None:
    """End this session on the server."""
    with write_transaction() as session:
        if token:
            sessions.end(session, token)
        audit.record(session, "account.signed_out", account.email, account)


def set_theme(account: Account, theme: str) -> None:
    """Keep the colour theme an account chose: system, light or dark."""
    with write_transaction() as session:
        session.execute(sa.update(Account).where(Account.id == account.id).values(theme=theme))
