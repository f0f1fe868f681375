"""Asking for a new password by mail, and setting it."""

from __future__ import annotations

import logging

import sqlalchemy as sa

from config import Settings
from webapp.accounts.profile import emails
from webapp.accounts.profile.service import put_password, words_about
from webapp.accounts.sign_in import audit, links, passwords, throttle
from webapp.accounts.sign_in.accounts import locked
from webapp.accounts.sign_in.signing_in import Visit, is_known
from webapp.core import account_links
from webapp.core.database import write_transaction
from webapp.core.match_keys import match_key
from webapp.core.models import Account, db, utcnow

log = logging.getLogger(__name__)

NOBODY = "nobody@example.com"  # a mail to it is written and taken back


def ask(email: str, settings: Settings, *, visit: Visit) -> None:
    """Mail a link to the account with this email, if there is one.

    Who has none costs the same work, so that neither answer nor time tells them apart. What strangers ask for is
    counted apart from what a browser asks for that the account is known in. Raises ``Throttled``.
    """
    key, now = match_key(email) or "", utcnow()
    account = db.session.scalars(sa.select(Account).where(Account.email_key == key)).one_or_none()
    source, tries = (
        (visit.browser.id, throttle.KNOWN_MAILS)
        if visit.browser.knows(account)
        else (visit.address, throttle.MAILS)
    )
    with write_transaction() as session:
        until = throttle.admit(
            session, key, source, now, tries, is_known=lambda: is_known(session, key, visit.address)
        )
    if until is not None:
        said = audit.who(key, None)
        log.warning("asking for a new password throttled for %s", said, extra={"event": "denied"})
        raise throttle.Throttled(until)
    with write_transaction() as session:
        account = session.scalars(
            sa.select(Account).where(Account.email_key == key, Account.disabled_at.is_(None))
        ).one_or_none()
        if account is not None:
            token = links.make(session, account_links.RESET, account.id, now)
            emails.reset(session, settings.product_name, account.email, token)
            session.flush()
        else:
            with session.begin_nested() as taken_back:
                emails.reset(session, settings.product_name, NOBODY, "-" * 43)
                session.flush()
                taken_back.rollback()
        audit.record_try(session, "account.reset_asked", key, account)


def owner(token: str) -> Account:
    """The account whose password the link behind ``token`` sets. Raises ``LinkGone``."""
    link = links.find(db.session(), account_links.RESET, token, utcnow())
    return db.session.get_one(Account, link.account_id)


def reset(token: str, password: str, settings: Settings) -> Account:
    """Set the password; every session of the account ends, and nobody is signed in.

    Raises ``LinkGone``, ``PasswordRefused`` and ``Busy``; the link can be used again after the last two.
    """
    account = owner(token)
    with passwords.place():
        passwords.check(password, context=words_about(db.session(), account, settings.product_name))
        hashed = passwords.hash_password(password)
    with write_transaction() as session:
        account = locked(session, account.id)
        links.use_up(session, links.find(session, account_links.RESET, token, utcnow()))
        put_password(session, account, hashed, settings)
        audit.record(session, "account.password_reset", account.email, account, actor=account.name)
    return account
