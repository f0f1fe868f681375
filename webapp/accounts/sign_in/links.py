"""Links mailed to an account: made, found, and used up."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.accounts.sign_in import tokens
from webapp.core.account_links import LIFETIMES
from webapp.core.database import rows_changed
from webapp.core.models import Account, AccountLink


class LinkGone(Exception):
    """The link was used, is too old, or never was one."""


def make(session: Session, purpose: str, account_id: int, now: datetime, email: str | None = None) -> str:
    """A new link for an account; its token."""
    token, token_hash = tokens.new(purpose)
    session.execute(sa.delete(AccountLink).where(AccountLink.expires_at < now))
    session.add(
        AccountLink(
            account_id=account_id,
            purpose=purpose,
            token_hash=token_hash,
            email=email,
            created_at=now,
            expires_at=now + LIFETIMES[purpose],
        )
    )
    return token


def find(session: Session, purpose: str, token: str, now: datetime) -> AccountLink:
    """The link behind ``token``. Raises :class:`LinkGone`."""
    found = session.scalars(
        sa.select(AccountLink)
        .join(Account, Account.id == AccountLink.account_id)
        .where(
            AccountLink.purpose == purpose,
            AccountLink.token_hash == tokens.hash_of(purpose, token),
            AccountLink.expires_at > now,
            Account.disabled_at.is_(None),
        )
    ).one_or_none()
    if found is None:
        raise LinkGone
    return found


def use_up(session: Session, link: AccountLink) -> None:
    """Use a link, once, and void every other one of its account. Raises :class:`LinkGone`."""
    if rows_changed(session, sa.delete(AccountLink).where(AccountLink.id == link.id)) != 1:
        raise LinkGone
    void(session, link.account_id)


def void(session: Session, account_id: int) -> None:
    """No link that was mailed to the account works any more."""
    rows_changed(session, sa.delete(AccountLink).where(AccountLink.account_id == account_id))
