"""Deciding about a held run: each function is one transaction with its audit row.

A run that goes on is committed and then returned; waking a worker for it is the caller's next step.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.database import write_transaction
from webapp.core.models import Integration, SyncRun, UserSync, utcnow
from webapp.integrations.shared.lock_and_audit import (
    AnotherRunLive,
    NotConnected,
    NotEnabled,
    limits_of,
    locked,
    record,
    set_limits,
)
from webapp.sync.plan.safeguard import Limits, held_from, raised
from webapp.sync.schedule.incidents import DECIDED, close_incidents
from webapp.sync.schedule.schedule import Requester, live_run


class NotHeld(Exception):
    """The run is not waiting for a decision (any more); somebody else may have decided, or a newer run replaced it."""


def approve(integration_id: int, run_id: int, by: Requester) -> SyncRun:
    """Let a held run go on: it reads the list again and applies it unless somebody is concerned who was not shown.

    Raises :class:`NotHeld`, :class:`NotConnected`, :class:`NotEnabled` or :class:`AnotherRunLive`.
    """
    with write_transaction() as session:
        integration, _, run = _may_go_on(session, integration_id, run_id)
        _go_on(session, integration, run, by, "user_sync.approved", {})
        return run


def approve_raising(integration_id: int, run_id: int, by: Requester) -> tuple[SyncRun, Limits]:
    """As :func:`approve`, and raise the limits to what this run needs; the run and the limits from now on.

    One audit row tells both. Raises as :func:`approve` does.
    """
    with write_transaction() as session:
        integration, sync, run = _may_go_on(session, integration_id, run_id)
        limits = limits_raised(run, sync)
        _go_on(session, integration, run, by, "user_sync.approved_raising", set_limits(sync, limits))
        return run, limits


def limits_raised(run: SyncRun, sync: UserSync) -> Limits:
    """The limits that would let a run like the held ``run`` pass; the saved ones when they do, or none would."""
    held = held_from(run.hold)
    return raised(held, limits_of(sync)) if held else limits_of(sync)


def reject(integration_id: int, run_id: int, by: Requester) -> str:
    """Give a held run up and say what becomes of it; nothing more is applied. Raises :class:`NotHeld`."""
    with write_transaction() as session:
        integration, _, run = _held(session, integration_id, run_id)
        now = utcnow()
        run.state, run.approved = "cancelled", False
        run.decided_at, run.decided_by, run.finished_at = now, by.name, now
        left = "What was written before stays." if run.wrote else "Nothing was applied."
        run.message = f"Rejected. {left} The next run reads the list again."
        close_incidents(session.connection(), integration_id, DECIDED, now, kinds=("held",))
        record(session, integration, "user_sync.rejected", {"run": run_id})
        return left


def _may_go_on(session: Session, integration_id: int, run_id: int) -> tuple[Integration, UserSync, SyncRun]:
    integration, sync, run = _held(session, integration_id, run_id)
    if integration.connection != "connected":
        raise NotConnected
    if not sync.enabled:
        raise NotEnabled
    if live_run(session, integration_id) is not None:
        raise AnotherRunLive
    return integration, sync, run


def _go_on(
    session: Session,
    integration: Integration,
    run: SyncRun,
    by: Requester,
    action: str,
    details: dict[str, Any],
) -> None:
    now = utcnow()
    run.state, run.approved, run.attempt = "queued", True, run.attempt + 1
    run.stage, run.interruptions = None, 0  # it begins anew
    run.cancel_requested_at = run.cancel_requested_by = (
        None  # a stop that came too late was about the held one
    )
    run.decided_at, run.decided_by, run.queued_at = now, by.name, now
    run.started_at = run.finished_at = None  # the time for the decision is not the run's
    close_incidents(session.connection(), integration.id, DECIDED, now, kinds=("held",))
    record(session, integration, action, {"run": run.id, **details})


def _held(session: Session, integration_id: int, run_id: int) -> tuple[Integration, UserSync, SyncRun]:
    integration, sync = locked(session, integration_id)
    run = session.scalars(
        sa.select(SyncRun)
        .where(SyncRun.id == run_id, SyncRun.integration_id == integration_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if run is None or run.state != "held":
        raise NotHeld
    return integration, sync, run
