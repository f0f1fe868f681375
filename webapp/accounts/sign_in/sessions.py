"""Sessions kept by the server: the cookie holds a secret, the table its hash, so signing out really ends one."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from config import Settings
from webapp.core.database import rows_changed, write_transaction
from webapp.core.models import Account, SignInSession, User, db, utcnow

log = logging.getLogger(__name__)

TOUCH_EVERY = timedelta(minutes=1)


def start(session: Session, account: Account, settings: Settings, *, address: str, user_agent: str) -> str:
    """A new session for ``account``; the secret for the cookie, 256 bits and when it began (:func:`begun_at`)."""
    now = utcnow()
    token = f"{secrets.token_urlsafe(32)}.{int(now.timestamp())}"
    session.execute(sa.delete(SignInSession).where(SignInSession.expires_at < now))
    session.add(
        SignInSession(
            token_hash=hash_of(token),
            account_id=account.id,
            created_at=now,
            last_seen_at=now,
            expires_at=now + settings.session_absolute,
            address=address[:64],
            user_agent=user_agent[:200],
        )
    )
    return token


def find(token: str, settings: Settings) -> SignInSession | None:
    """The live session behind ``token``: not ended, not idle for too long, not too old, its account not disabled."""
    found = db.session.scalars(
        sa.select(SignInSession).where(SignInSession.token_hash == hash_of(token))
    ).one_or_none()
    if found is None or found.account.disabled_at is not None:
        return None
    now = utcnow()
    if now >= found.expires_at or now - found.last_seen_at >= settings.session_idle:
        return None
    if now - found.last_seen_at >= TOUCH_EVERY:
        _touch(found.id)
    return found


def begun_at(token: str) -> datetime | None:
    """When the session behind ``token`` began, whether anything of it is left or not."""
    seconds = token.rpartition(".")[2]
    return datetime.fromtimestamp(int(seconds), UTC) if seconds.isdecimal() and len(seconds) <= 11 else None


def end(session: Session, token: str) -> None:
    """End the session behind ``token``, whether it was live or not."""
    session.execute(sa.delete(SignInSession).where(SignInSession.token_hash == hash_of(token)))


def end_all(session: Session, account_id: int) -> None:
    """End every session of an account."""
    session.execute(sa.delete(SignInSession).where(SignInSession.account_id == account_id))


def end_others(session: Session, account_id: int, kept_id: int | None) -> int:
    """End every session of an account but the one with ``kept_id``; how many."""
    return rows_changed(
        session,
        sa.delete(SignInSession).where(
            SignInSession.account_id == account_id, SignInSession.id != (kept_id or 0)
        ),
    )


def end_one(session: Session, account_id: int, session_id: int) -> bool:
    """End one session; whether the account had it."""
    ended = sa.delete(SignInSession).where(
        SignInSession.account_id == account_id, SignInSession.id == session_id
    )
    return rows_changed(session, ended) == 1


def end_where_nothing_is_left(
    session: Session, user_ids: Sequence[int], *, not_counting: Sequence[int] = ()
) -> None:
    """End the sessions of those users whose account is active in no contract any more.

    ``not_counting``: users who are active and still open nothing to the sessions of now.
    """
    accounts = sa.select(User.account_id).where(User.id.in_(user_ids), User.account_id.is_not(None))
    elsewhere = sa.select(User.id).where(
        User.account_id == SignInSession.account_id, User.status == "active", User.id.not_in(not_counting)
    )
    support = sa.select(Account.id).where(Account.id == SignInSession.account_id, Account.support)
    rows_changed(
        session,
        sa.delete(SignInSession).where(
            SignInSession.account_id.in_(accounts), ~elsewhere.exists(), ~support.exists()
        ),
    )


def live(account_id: int, settings: Settings) -> list[SignInSession]:
    """The sessions of an account that still open something, the last used first."""
    now = utcnow()
    return list(
        db.session.scalars(
            sa.select(SignInSession)
            .where(
                SignInSession.account_id == account_id,
                SignInSession.expires_at > now,
                SignInSession.last_seen_at > now - settings.session_idle,
            )
            .order_by(SignInSession.last_seen_at.desc(), SignInSession.id.desc())
        )
    )


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _touch(session_id: int) -> None:
    """Note that the session is in use. A database that is busy for a moment must not cost the request."""
    try:
        with write_transaction() as session:
            session.execute(
                sa.update(SignInSession).where(SignInSession.id == session_id).values(last_seen_at=utcnow())
            )
    except OperationalError as error:
        log.warning("could not note the use of session %s: %s", session_id, error)
