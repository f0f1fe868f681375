"""Whether and how a run can be undone, and asking for it: one transaction with its audit row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from webapp.core.audit import log
from webapp.core.database import write_transaction
from webapp.core.models import SyncRun, db, utcnow
from webapp.core.models.sync import LIVE_STATES
from webapp.integrations.shared.lock_and_audit import locked
from webapp.integrations.shared.pause import put_on_pause
from webapp.platforms.registry import PLATFORMS
from webapp.sync.run.undo_verdicts import Summary, judged, summary
from webapp.sync.schedule.schedule import Requester, live_run, request_undo
from webapp.web.paging import Page

PAUSE, GO_ON = "pause", "go_on"
NOT_OVER, NO_SYNC, LINES_REMOVED, NOTHING = "not_over", "no_sync", "lines_removed", "nothing"


class NotUndoable(Exception):
    """The run cannot be undone; ``why`` is one of the words above."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class AnotherRunLive(Exception):
    """A run is queued or running, so nobody may be changed beside it."""


class ChangedMeanwhile(Exception):
    """What would go back is not what was shown any more. Nothing was changed."""


def why_not(run: SyncRun) -> str | None:
    """Why ``run`` cannot be undone, as far as the run itself tells."""
    if run.state in LIVE_STATES or run.state == "held":
        return NOT_OVER
    if run.preview or run.proposed or run.trigger == "undo":
        return NO_SYNC
    if not (run.imported or run.linked or run.renamed):
        return NOTHING
    return LINES_REMOVED if run.lines_removed_at is not None else None


def verdicts(run: SyncRun) -> Summary:
    """How many changes of ``run`` go back, stay, or are as before already."""
    return summary(db.session, run)


def people(run: SyncRun, wanted: Sequence[str], page: Page) -> Sequence[sa.Row[Any]]:
    """A page of the lines with one of the verdicts ``wanted``, as they were made."""
    lines = judged(run)
    return db.session.execute(
        sa.select(lines)
        .where(lines.c.verdict.in_(wanted))
        .order_by(lines.c.line_id)
        .limit(page.size)
        .offset(page.offset)
    ).all()


def undone_by(run: SyncRun) -> Sequence[SyncRun]:
    """The undos of ``run``, the oldest first."""
    return db.session.scalars(
        sa.select(SyncRun).where(SyncRun.undoes_id == run.id).order_by(SyncRun.id)
    ).all()


def live(integration_id: int) -> SyncRun | None:
    """The run that is queued or running now."""
    return live_run(db.session(), integration_id)


def undo(integration_id: int, run_id: int, by: Requester, *, stamp: str, then: str) -> SyncRun:
    """A queued undo of a run, if it would do what ``stamp`` says; with ``then`` the schedule is paused as well.

    Raises :class:`NotUndoable`, :class:`AnotherRunLive` or :class:`ChangedMeanwhile`, with nothing changed.
    """
    with write_transaction() as session:
        integration, sync = locked(session, integration_id)
        now = utcnow()
        run = session.scalars(
            sa.select(SyncRun)
            .where(SyncRun.id == run_id, SyncRun.integration_id == integration_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        ).one()
        reason = why_not(run)
        if reason is not None:
            raise NotUndoable(reason)
        found = summary(session, run)
        if live_run(session, integration_id) is not None:
            raise AnotherRunLive
        if found.stamp != stamp:
            raise ChangedMeanwhile
        if not found.going:
            raise NotUndoable(NOTHING)
        requested = request_undo(session, run, by, now)
        if requested is None:
            raise AnotherRunLive
        log.record(
            session,
            "user_sync.undone",
            PLATFORMS[integration.platform].label,
            contract_id=integration.contract_id,
            target_type="integration",
            target_id=integration.id,
            details={"run": run_id, "by run": requested.id, "go back": found.going, "stay": found.staying},
        )
        if then == PAUSE:
            put_on_pause(session, integration, sync, by, f"Run {run_id} was undone", now)
        return requested
