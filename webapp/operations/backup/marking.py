"""What a restored database must not go on with, because the world went on after the backup was made."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit import log
from webapp.core.models import (
    AccountLink,
    ConnectAttempt,
    Contract,
    Heartbeat,
    Integration,
    Invitation,
    Message,
    Question,
    SignInSession,
    SyncRun,
    WebhookDelivery,
)
from webapp.core.models.question import OPEN_STATES
from webapp.core.models.sync import LIVE_STATES

STOPPED = "Stopped, because Rollcall was restored from a backup. The next run reads the list again."
NOT_AGAIN = "Not sent, because Rollcall was restored from a backup, and it may have been sent before."


def mark_restored(session: Session, now: datetime, *, actor: str, taken_at: datetime | None = None) -> None:
    """Make a database that was just restored safe to go on with, inside a write transaction.

    The next run of each platform is compared with what was restored (:mod:`webapp.sync.plan.safeguard`). What was
    under way ends; what waited to be sent is not sent again; sessions and links, some of which have ended since, end
    all. ``taken_at`` is the moment of the backup, where it is known.
    """
    _compare_what_comes(session, now)
    _end_what_was_under_way(session, now)
    _send_nothing_twice(session)
    _end_what_opens_something(session, now, actor)
    details = {"backup of": f"{taken_at:%d %B %Y, %H:%M} UTC"} if taken_at else None
    for contract in session.scalars(sa.select(Contract).order_by(Contract.id)):
        log.record(
            session,
            "contract.restored",
            contract.name,
            contract_id=contract.id,
            target_type="contract",
            target_id=contract.id,
            details=details,
            actor=actor,
        )


def _compare_what_comes(session: Session, now: datetime) -> None:
    session.execute(
        sa.update(Integration)
        .where(Integration.connection != "not_connected")
        .values(restored_at=now, refreshing_until=None)
    )


def _end_what_was_under_way(session: Session, now: datetime) -> None:
    session.execute(
        sa.update(SyncRun)
        .where(SyncRun.state.in_(LIVE_STATES))
        .values(state="cancelled", message=STOPPED, finished_at=now, lease_expires_at=None)
    )
    session.execute(
        sa.update(Question)
        .where(Question.state.in_(OPEN_STATES))
        .values(state="failed", message=STOPPED.partition(". ")[0] + ". Ask again.", ended_at=now)
    )
    session.execute(sa.delete(Heartbeat))


def _send_nothing_twice(session: Session) -> None:
    given_up = {"state": "failed", "error": NOT_AGAIN}
    session.execute(sa.update(Message).where(Message.state == "waiting").values(sealed_text=None, **given_up))
    session.execute(sa.update(WebhookDelivery).where(WebhookDelivery.state == "waiting").values(given_up))


def _end_what_opens_something(session: Session, now: datetime, actor: str) -> None:
    session.execute(sa.delete(ConnectAttempt))
    session.execute(sa.delete(SignInSession))
    session.execute(sa.delete(AccountLink))
    session.execute(
        sa.update(Invitation)
        .where(Invitation.outcome.is_(None))
        .values(outcome="revoked", ended_at=now, ended_by=actor)
    )
