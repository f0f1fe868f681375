"""Changing User sync of one integration: each function is one transaction with its audit row.

Runs made here are committed and then returned; waking a worker for them is the caller's next step.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from config import Settings
from webapp.core.audit import log as audit_log
from webapp.core.database import write_transaction
from webapp.core.models import SyncRun, utcnow
from webapp.core.models.sync import LIVE_STATES
from webapp.integrations.shared.lock_and_audit import (
    NotConnected,
    NotEnabled,
    limits_of,
    locked,
    record,
    set_limits,
)
from webapp.integrations.shared.pause import forget_pause
from webapp.sync.plan.safeguard import Limits
from webapp.sync.run import preview
from webapp.sync.run.outcome import cancelled
from webapp.sync.run.undo_outcome import stopped
from webapp.sync.schedule.incidents import MOOT, close_incidents
from webapp.sync.schedule.schedule import Requested, Requester, first_slot, live_run, request_run

PREVIEW_STOPPED = "This preview was stopped before it was done. Nothing was saved or changed."


def save_identifier(integration_id: int, column: str | None) -> bool:
    """Set or clear the primary identifier column; whether that changed anything."""
    with write_transaction() as session:
        integration, sync = locked(session, integration_id)
        before = sync.identifier_column
        if column == before:
            return False
        sync.identifier_column = column
        record(
            session,
            integration,
            "user_sync.identifier_changed",
            {"column": audit_log.changed(before, column)},
        )
        return True


def save_types(integration_id: int, *, left_out: dict[str, str], imported: dict[str, str]) -> bool:
    """Choose which kinds of people are left out (key to label); whether that changed anything."""
    with write_transaction() as session:
        integration, sync = locked(session, integration_id)
        before = sync.left_out_types
        if before is not None and set(before) == set(left_out):
            return False
        sync.left_out_types = sorted(left_out)
        record(
            session,
            integration,
            "user_sync.types_changed",
            {"imported": list(imported.values()), "left out": list(left_out.values())},
        )
        return True


def save_safeguard(integration_id: int, limits: Limits) -> bool:
    """Set when a shrinking or growing list holds the run; whether that changed anything."""
    with write_transaction() as session:
        integration, sync = locked(session, integration_id)
        if limits_of(sync) == limits:
            return False
        record(session, integration, "user_sync.safeguard_changed", set_limits(sync, limits))
        return True


def enable(integration_id: int, by: Requester, settings: Settings) -> Requested:
    """Switch User sync on, plan the schedule, and make the run that starts at once.

    Raises :class:`NotConnected`. Enabling what is enabled changes nothing but answers with a run.
    """
    with write_transaction() as session:
        integration, sync = locked(session, integration_id)
        if integration.connection != "connected":
            raise NotConnected
        now = utcnow()
        if not sync.enabled:
            sync.enabled, sync.enabled_at, sync.enabled_by = True, now, by.name
            sync.next_run_at = first_slot(now, integration_id, settings.sync_every)
            forget_pause(sync)
            record(session, integration, "user_sync.enabled", None)
        return request_run(session, integration, "enable", by, now)


def disable(integration_id: int, by: Requester, *, stop_running: bool) -> None:
    """Switch User sync off. A running run finishes, or stops at its next batch when asked to.

    A run that only waits in the queue never starts.
    """
    with write_transaction() as session:
        integration, sync = locked(session, integration_id)
        if not sync.enabled:
            return
        now = utcnow()
        sync.enabled, sync.disabled_at, sync.disabled_by = False, now, by.name
        sync.next_run_at = None
        forget_pause(sync)
        _cancel_waiting(session, integration_id, by)
        if stop_running:
            _ask_to_stop(session, integration_id, by)
        close_incidents(
            session.connection(), integration_id, MOOT, now, kinds=("held", "overdue", "quarantine")
        )
        record(session, integration, "user_sync.disabled", {"running": "stop" if stop_running else "finish"})


def sync_now(
    integration_id: int, by: Requester, trigger: str = "manual", *, as_support: bool = False
) -> Requested:
    """A run as soon as a worker is free; the live one when there is one.

    ``as_support``: platform-wide support asks, and the audit log says so.
    Raises :class:`NotConnected` or :class:`NotEnabled`.
    """
    with write_transaction() as session:
        integration, sync = locked(session, integration_id)
        if integration.connection != "connected":
            raise NotConnected
        if not sync.enabled:
            raise NotEnabled
        requested = request_run(session, integration, trigger, by, utcnow())
        record(
            session,
            integration,
            "user_sync.requested",
            {"run": requested.run.id, "joined": requested.joined}
            | ({"as": "platform-wide support"} if as_support else {}),
            by,
        )
        return requested


def cancel(integration_id: int, run_id: int, by: Requester) -> bool:
    """Ask a live run to stop; whether there was one to ask. A preview, which writes nothing, is over at once."""
    with write_transaction() as session:
        integration, _ = locked(session, integration_id)
        if preview.end_live(session, integration_id, utcnow(), run_id=run_id, message=PREVIEW_STOPPED):
            record(session, integration, "user_sync.preview_cancelled", {"preview": run_id})
            return True
        run = live_run(session, integration_id)
        if run is None or run.id != run_id:
            return False
        _cancel_waiting(session, integration_id, by)
        _ask_to_stop(session, integration_id, by)
        record(session, integration, "user_sync.cancelled", {"run": run_id})
        return True


def _cancel_waiting(session: Session, integration_id: int, by: Requester) -> None:
    """A run no worker has begun yet ends here and now."""
    now = utcnow()
    session.execute(
        sa.update(SyncRun)
        .where(
            SyncRun.integration_id == integration_id,
            SyncRun.state == "queued",
            ~SyncRun.preview,
        )
        .values(
            state="cancelled",
            finished_at=now,
            cancel_requested_at=now,
            cancel_requested_by=by.name,
            message=sa.case(
                (SyncRun.started_at.is_(None), "Stopped before it began. Nobody was changed."),
                (SyncRun.trigger == "undo", stopped().message),
                else_=cancelled().message,
            ),
        )
    )


def _ask_to_stop(session: Session, integration_id: int, by: Requester) -> None:
    session.execute(
        sa.update(SyncRun)
        .where(
            SyncRun.integration_id == integration_id,
            SyncRun.state.in_(LIVE_STATES),
            ~SyncRun.preview,
        )
        .values(cancel_requested_at=utcnow(), cancel_requested_by=by.name)
    )
