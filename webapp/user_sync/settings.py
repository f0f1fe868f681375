"""Changing User sync of one integration: each function is one transaction with its audit row.

Runs made here are committed and then returned; waking a worker for them is the caller's next step.
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from config import Settings
from webapp.audit import trail
from webapp.connectors.registry import PLATFORMS
from webapp.database import write_transaction
from webapp.models import Integration, SyncRun, UserSync, utcnow
from webapp.models.sync import LIVE_STATES, SUCCESS_STATES
from webapp.sync import schedule
from webapp.sync.incidents import DECIDED, MOOT, close_incidents
from webapp.sync.outcome import cancelled
from webapp.sync.preview import LIFETIME, WhatIf, what_if_of
from webapp.sync.schedule import Requested, Requester, first_slot, live_run, request_run


class NotConnected(Exception):
    """The platform is not connected (any more), so nothing can be synced."""


class NotEnabled(Exception):
    """User sync is off."""


class NotHeld(Exception):
    """The run is not waiting for a decision (any more); somebody else may have decided."""


class PreviewGone(Exception):
    """There is no such preview (any more): it is past its day, or it did not end well."""


class AnotherRunLive(Exception):
    """A newer run is queued or running, so the held one cannot go on now."""


def save_identifier(integration_id: int, column: str | None) -> bool:
    """Set or clear the primary identifier column; whether that changed anything."""
    with write_transaction() as session:
        integration, sync = _locked(session, integration_id)
        before = sync.identifier_column
        if column == before:
            return False
        sync.identifier_column = column
        _record(
            session, integration, "user_sync.identifier_changed", {"column": trail.changed(before, column)}
        )
        return True


def save_types(integration_id: int, *, left_out: dict[str, str], imported: dict[str, str]) -> bool:
    """Choose which kinds of people are left out (key to label); whether that changed anything."""
    with write_transaction() as session:
        integration, sync = _locked(session, integration_id)
        before = sync.left_out_types
        if before is not None and set(before) == set(left_out):
            return False
        sync.left_out_types = sorted(left_out)
        _record(
            session,
            integration,
            "user_sync.types_changed",
            {"imported": list(imported.values()), "left out": list(left_out.values())},
        )
        return True


def save_safeguard(integration_id: int, *, percent: int, people: int) -> bool:
    """Set when a shrinking list holds the run; whether that changed anything."""
    with write_transaction() as session:
        integration, sync = _locked(session, integration_id)
        before = (sync.shrink_percent, sync.shrink_people)
        if before == (percent, people):
            return False
        sync.shrink_percent, sync.shrink_people = percent, people
        _record(
            session,
            integration,
            "user_sync.safeguard_changed",
            {"percent": trail.changed(before[0], percent), "people": trail.changed(before[1], people)},
        )
        return True


def enable(integration_id: int, by: Requester, settings: Settings) -> Requested:
    """Switch User sync on, plan the schedule, and make the run that starts at once.

    Raises :class:`NotConnected`. Enabling what is enabled changes nothing but answers with a run.
    """
    with write_transaction() as session:
        integration, sync = _locked(session, integration_id)
        if integration.connection != "connected":
            raise NotConnected
        now = utcnow()
        if not sync.enabled:
            sync.enabled, sync.enabled_at, sync.enabled_by = True, now, by.name
            sync.next_run_at = first_slot(now, integration_id, settings.sync_every)
            _record(session, integration, "user_sync.enabled", None)
        return request_run(session, integration, "enable", by, now)


def disable(integration_id: int, by: Requester, *, stop_running: bool) -> None:
    """Switch User sync off. A running run finishes, or stops at its next batch when asked to.

    A run that only waits in the queue never starts.
    """
    with write_transaction() as session:
        integration, sync = _locked(session, integration_id)
        if not sync.enabled:
            return
        now = utcnow()
        sync.enabled, sync.disabled_at, sync.disabled_by = False, now, by.name
        sync.next_run_at = None
        _cancel_waiting(session, integration_id, by)
        if stop_running:
            _ask_to_stop(session, integration_id, by)
        close_incidents(
            session.connection(), integration_id, MOOT, now, kinds=("held", "overdue", "quarantine")
        )
        _record(session, integration, "user_sync.disabled", {"running": "stop" if stop_running else "finish"})


def sync_now(
    integration_id: int, by: Requester, trigger: str = "manual", *, as_support: bool = False
) -> Requested:
    """A run as soon as a worker is free; the live one when there is one.

    ``as_support``: platform-wide support asks, and the audit log says so.
    Raises :class:`NotConnected` or :class:`NotEnabled`.
    """
    with write_transaction() as session:
        integration, sync = _locked(session, integration_id)
        if integration.connection != "connected":
            raise NotConnected
        if not sync.enabled:
            raise NotEnabled
        requested = request_run(session, integration, trigger, by, utcnow())
        _record(
            session,
            integration,
            "user_sync.requested",
            {"run": requested.run.id, "joined": requested.joined}
            | ({"as": "platform-wide support"} if as_support else {}),
            by,
        )
        return requested


def cancel(integration_id: int, run_id: int, by: Requester) -> bool:
    """Ask a live run to stop; whether there was one to ask."""
    with write_transaction() as session:
        integration, _ = _locked(session, integration_id)
        run = live_run(session, integration_id)
        if run is None or run.id != run_id:
            return False
        _cancel_waiting(session, integration_id, by)
        _ask_to_stop(session, integration_id, by)
        _record(session, integration, "user_sync.cancelled", {"run": run_id})
        return True


def approve(integration_id: int, run_id: int, by: Requester) -> SyncRun:
    """Let a held run go on: it reads the list again and applies it unless even more people are gone.

    Raises :class:`NotHeld`, :class:`NotConnected`, :class:`NotEnabled` or :class:`AnotherRunLive`.
    """
    with write_transaction() as session:
        integration, sync, run = _held(session, integration_id, run_id)
        if integration.connection != "connected":
            raise NotConnected
        if not sync.enabled:
            raise NotEnabled
        if live_run(session, integration_id) is not None:
            raise AnotherRunLive
        now = utcnow()
        run.state, run.approved, run.attempt = "queued", True, run.attempt + 1
        run.stage, run.interruptions = None, 0  # it begins anew
        run.decided_at, run.decided_by, run.queued_at = now, by.name, now
        run.started_at = run.finished_at = None  # the time for the decision is not the run's
        _record(session, integration, "user_sync.approved", {"run": run_id})
        return run


def reject(integration_id: int, run_id: int, by: Requester) -> None:
    """Give a held run up; nothing is applied. Raises :class:`NotHeld`."""
    with write_transaction() as session:
        integration, _, run = _held(session, integration_id, run_id)
        now = utcnow()
        run.state = "cancelled"
        run.decided_at, run.decided_by, run.finished_at = now, by.name, now
        run.message = "Rejected: nothing was applied. The next run reads the list again."
        close_incidents(session.connection(), integration_id, DECIDED, now, kinds=("held",))
        _record(session, integration, "user_sync.rejected", {"run": run_id})


def request_preview(integration_id: int, by: Requester, what_if: WhatIf) -> SyncRun:
    """A preview as soon as a worker is free, in place of one that is being made. Raises :class:`NotConnected`."""
    with write_transaction() as session:
        integration, _ = _locked(session, integration_id)
        if integration.connection != "connected":
            raise NotConnected
        run = schedule.request_preview(session, integration, by, utcnow(), msgspec.to_builtins(what_if))
        _record(session, integration, "user_sync.previewed", {"run": run.id, **_tried(what_if)})
        return run


def apply_preview(integration_id: int, run_id: int, by: Requester) -> SyncRun:
    """Save the settings that a preview tried, and start a run that does just what it showed.

    Raises :class:`PreviewGone`, :class:`NotConnected`, :class:`NotEnabled` or :class:`AnotherRunLive`.
    """
    with write_transaction() as session:
        integration, sync = _locked(session, integration_id)
        now = utcnow()
        previewed = session.scalars(
            sa.select(SyncRun).where(
                SyncRun.id == run_id,
                SyncRun.integration_id == integration_id,
                SyncRun.preview,
                SyncRun.state.in_(SUCCESS_STATES),
                SyncRun.queued_at > now - LIFETIME,
            )
        ).one_or_none()
        if previewed is None or previewed.fingerprint is None:
            raise PreviewGone
        if integration.connection != "connected":
            raise NotConnected
        if not sync.enabled:
            raise NotEnabled
        if live_run(session, integration_id) is not None:
            raise AnotherRunLive
        what_if = what_if_of(previewed.what_if)
        for name, value in what_if.changes().items():
            setattr(sync, name, value)
        session.flush()
        run = request_run(session, integration, "manual", by, now, expects=previewed.fingerprint).run
        _record(
            session,
            integration,
            "user_sync.preview_applied",
            {"preview": run_id, "run": run.id, **_tried(what_if)},
        )
        return run


def _tried(what_if: WhatIf) -> dict[str, Any]:
    """The unsaved settings of a preview, for the audit log."""
    return {name.replace("_", " "): value for name, value in what_if.changes().items()}


def _locked(session: Session, integration_id: int) -> tuple[Integration, UserSync]:
    """The integration and its settings as they are now, locked until the transaction ends.

    The lock on the integration lets a worker write rows that refer to it.
    """
    integration = session.scalars(
        sa.select(Integration)
        .where(Integration.id == integration_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    sync = session.scalars(
        sa.select(UserSync)
        .where(UserSync.integration_id == integration_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    return integration, sync


def _held(session: Session, integration_id: int, run_id: int) -> tuple[Integration, UserSync, SyncRun]:
    integration, sync = _locked(session, integration_id)
    run = session.scalars(
        sa.select(SyncRun)
        .where(SyncRun.id == run_id, SyncRun.integration_id == integration_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if run is None or run.state != "held":
        raise NotHeld
    return integration, sync, run


def _cancel_waiting(session: Session, integration_id: int, by: Requester) -> None:
    """A run no worker has begun yet ends here and now."""
    now = utcnow()
    session.execute(
        sa.update(SyncRun)
        .where(SyncRun.integration_id == integration_id, SyncRun.state == "queued", ~SyncRun.preview)
        .values(
            state="cancelled",
            finished_at=now,
            cancel_requested_at=now,
            cancel_requested_by=by.name,
            message=sa.case(
                (SyncRun.started_at.is_(None), "Stopped before it began. Nobody was changed."),
                else_=cancelled().message,
            ),
        )
    )


def _ask_to_stop(session: Session, integration_id: int, by: Requester) -> None:
    session.execute(
        sa.update(SyncRun)
        .where(SyncRun.integration_id == integration_id, SyncRun.state.in_(LIVE_STATES), ~SyncRun.preview)
        .values(cancel_requested_at=utcnow(), cancel_requested_by=by.name)
    )


def _record(
    session: Session,
    integration: Integration,
    action: str,
    details: dict[str, Any] | None,
    by: Requester | None = None,
) -> None:
    trail.record(
        session,
        action,
        PLATFORMS[integration.platform].label,
        contract_id=integration.contract_id,
        target_type="integration",
        target_id=integration.id,
        details=details,
        actor=by.name if by is not None and by.account_id is None else None,
    )
