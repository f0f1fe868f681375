"""Pausing the schedule of one integration and going on with it; User sync stays enabled, and Sync now works."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from webapp.core.database import write_transaction
from webapp.core.models import Integration, UserSync, utcnow
from webapp.integrations.shared.lock_and_audit import locked, record
from webapp.sync.schedule.incidents import MOOT, close_incidents
from webapp.sync.schedule.schedule import Requester

REASON_MAX = 200  # characters


class NothingToPause(Exception):
    """User sync is off, so there is no schedule."""


def pause(integration_id: int, by: Requester, reason: str) -> bool:
    """Make no more runs by the schedule until somebody resumes it; whether that changed anything.

    A run that is going on ends as usual. Raises :class:`NothingToPause`.
    """
    with write_transaction() as session:
        integration, sync = locked(session, integration_id)
        if not sync.enabled:
            raise NothingToPause
        return put_on_pause(session, integration, sync, by, reason, utcnow())


def put_on_pause(
    session: Session, integration: Integration, sync: UserSync, by: Requester, reason: str, now: datetime
) -> bool:
    """The same inside a transaction that holds the lock."""
    if not sync.enabled or sync.paused_at is not None:
        return False
    sync.paused_at, sync.paused_by, sync.pause_reason = now, by.name[:255], reason[:REASON_MAX] or None
    close_incidents(session.connection(), integration.id, MOOT, now, kinds=("overdue",))
    record(session, integration, "user_sync.paused", {"reason": sync.pause_reason} if reason else None)
    return True


def resume(integration_id: int) -> bool:
    """Let the schedule go on; whether it was paused. A run that was due meanwhile is made by the next tick."""
    with write_transaction() as session:
        integration, sync = locked(session, integration_id)
        if sync.paused_at is None:
            return False
        sync.resumed_at = utcnow()
        forget_pause(sync)
        record(session, integration, "user_sync.resumed", None)
        return True


def forget_pause(sync: UserSync) -> None:
    """The schedule is not paused, whether because it goes on or because there is none any more."""
    sync.paused_at = sync.paused_by = sync.pause_reason = None
