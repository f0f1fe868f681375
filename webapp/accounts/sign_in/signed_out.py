"""Why a browser that was signed in is not any more, in a sentence for its sign-in page.

Only that browser is told: its signed cookie names the account and holds the session's secret. Nothing is kept about
ended sessions; the reason follows from what else is known of that time.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from config import Settings
from webapp.accounts.sign_in import sessions
from webapp.core.models import AuditEvent, Contract, SignInSession, User

BY_A_MANAGER = "someone who manages your contract’s users ended your sign-ins"
RESTORED = "{product} was restored from a backup"
IDLE = "you had not used {product} for a while"
TOO_OLD = "you had been signed in for as long as one sign-in lasts"


def why(session: Session, token: str, account_id: str, settings: Settings, now: datetime) -> str | None:
    """The sentence for a browser whose ``token`` signs in as ``account_id`` no more; ``None`` when it is not known."""
    reason = _reason(session, token, account_id, settings, now)
    if reason is None:
        return None
    return f"You were signed out because {reason.format(product=settings.product_name)}; sign in again."


def _reason(session: Session, token: str, account_id: str, settings: Settings, now: datetime) -> str | None:
    begun = sessions.begun_at(token)
    if begun is None or not account_id.isdecimal():
        return None
    if begun + settings.session_absolute <= now:
        return TOO_OLD
    left = session.scalar(
        sa.select(SignInSession.last_seen_at).where(SignInSession.token_hash == sessions.hash_of(token))
    )
    if left is not None:
        return IDLE if now - left >= settings.session_idle else None
    if _restored_since(session, begun):
        return RESTORED
    return BY_A_MANAGER if _ended_since(session, int(account_id), begun) else None


def _restored_since(session: Session, begun: datetime) -> bool:
    contracts = sa.select(Contract.id)  # the log is indexed by contract
    restored = sa.exists().where(
        AuditEvent.contract_id.in_(contracts),
        AuditEvent.action == "contract.restored",
        AuditEvent.at >= begun,
    )
    return bool(session.scalar(sa.select(restored)))


def _ended_since(session: Session, account_id: int, begun: datetime) -> bool:
    """Whether a contract of the account ended its sign-ins, and no other one was open to them that could keep them."""
    ended = User.sign_ins_ended_at >= begun
    rows = session.scalars(
        sa.select(sa.and_(User.sign_ins_ended_at.is_not(None), ended)).where(
            User.account_id == account_id, User.status == "active"
        )
    ).all()
    return bool(rows) and all(rows)
