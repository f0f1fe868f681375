"""Asking for a preview and applying what it showed: each function is one transaction with its audit row."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from webapp.core.database import write_transaction
from webapp.core.models import SyncRun, utcnow
from webapp.core.models.sync import SUCCESS_STATES
from webapp.integrations.shared.lock_and_audit import AnotherRunLive, NotConnected, NotEnabled, locked, record
from webapp.sync.plan.what_if import WhatIf, what_if_of
from webapp.sync.run.preview import LIFETIME
from webapp.sync.schedule import schedule
from webapp.sync.schedule.schedule import Requester, live_run, request_run


class PreviewGone(Exception):
    """There is no such preview (any more): it is past its day, or it did not end well."""


def request_preview(integration_id: int, by: Requester, what_if: WhatIf) -> SyncRun:
    """A preview as soon as a worker is free, in place of one that is being made. Raises :class:`NotConnected`."""
    with write_transaction() as session:
        integration, _ = locked(session, integration_id)
        if integration.connection != "connected":
            raise NotConnected
        run = schedule.request_preview(session, integration, by, utcnow(), msgspec.to_builtins(what_if))
        record(session, integration, "user_sync.previewed", {"run": run.id, **what_if.words()})
        return run


def apply_preview(integration_id: int, run_id: int, by: Requester) -> SyncRun:
    """Start a run that does just what a preview showed, and then saves the settings it tried.

    While the list or the users are not as they were, it saves and applies nothing.
    Raises :class:`PreviewGone`, :class:`NotConnected`, :class:`NotEnabled` or :class:`AnotherRunLive`.
    """
    with write_transaction() as session:
        integration, sync = locked(session, integration_id)
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
        run = request_run(session, integration, "manual", by, now, expects=previewed.fingerprint).run
        run.what_if = previewed.what_if
        record(
            session,
            integration,
            "user_sync.preview_applied",
            {"preview": run_id, "run": run.id, **what_if_of(previewed.what_if).words()},
        )
        return run
