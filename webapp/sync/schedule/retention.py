"""How long the lines and calls of runs are kept; their figures, timeline and outcome stay for good."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from webapp.core.database import rows_changed
from webapp.core.models import SyncChange, SyncRequest, SyncRun
from webapp.core.models.sync import LIVE_STATES

RUNS_AT_ONCE = 200  # runs that one tick looks at
ROWS_AT_ONCE = 10_000  # lines and calls that one tick removes; the next one goes on


def remove_old_lines(session: Session, now: datetime, keep: timedelta) -> int:
    """Remove lines and calls of runs that ended longer than ``keep`` ago; how many rows.

    Never those of a run that is live, held, or being undone. Call inside a write transaction.
    """
    undo = aliased(SyncRun)
    runs = session.scalars(
        sa.select(SyncRun.id)
        .where(
            SyncRun.lines_left,
            SyncRun.finished_at < now - keep,
            SyncRun.state.not_in((*LIVE_STATES, "held")),
            ~sa.exists().where(undo.undoes_id == SyncRun.id, undo.state.in_(LIVE_STATES)),
        )
        .order_by(SyncRun.finished_at)
        .limit(RUNS_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    if not runs:
        return 0
    rows_changed(
        session,
        sa.update(SyncRun)
        .where(SyncRun.id.in_(runs), SyncRun.lines_removed_at.is_(None))
        .values(lines_removed_at=now),
    )
    removed = 0
    for table in (SyncChange, SyncRequest):
        oldest = sa.select(table.id).where(table.run_id.in_(runs)).limit(ROWS_AT_ONCE - removed)
        removed += rows_changed(session, sa.delete(table).where(table.id.in_(oldest)))
        if removed >= ROWS_AT_ONCE:
            return removed
    rows_changed(session, sa.update(SyncRun).where(SyncRun.id.in_(runs)).values(lines_left=False))
    return removed
