"""In which order waiting runs are begun, so that nobody starves.

Whoever asked for a run themselves comes first, as they are looking at it. The rest go by how long they wait, and of
those that came in one tick the small lists before the big ones. Big lists are begun only a few at a time, so
that they never hold all workers while small ones wait. A run that met with trouble waits until its pause is over.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.clock import has_come, now_in
from webapp.core.models import Integration, SyncRun, UserSync
from webapp.core.trouble import PAUSES

BIG = 20_000  # people in the list of the last success


def waiting(
    session: Session, limit: int, *, big_at_once: int = 1, platforms: Collection[str] | None = None
) -> list[tuple[int, int]]:
    """``(run, attempt)`` of up to ``limit`` queued runs, those to begin first; big ones while fewer than that run.

    With ``platforms`` those alone that read one of them.
    """
    now = now_in(session)
    found = session.execute(_queued(now, sa.not_(_is_big()), platforms).limit(limit)).all()
    room = big_at_once - _big_running(session)
    if room > 0:
        found = [*found, *session.execute(_queued(now, _is_big(), platforms).limit(room))]
        found.sort(key=lambda row: (row.by_schedule, row.queued_at, row.size, row.id))
    return [(row.id, row.attempt) for row in found[:limit]]


def _queued(
    now: datetime, which: sa.ColumnElement[bool], platforms: Collection[str] | None
) -> sa.Select[Any]:
    size = sa.func.coalesce(UserSync.last_found, 0).label("size")
    by_schedule = sa.case((SyncRun.trigger == "schedule", 1), else_=0).label("by_schedule")
    statement = (
        sa.select(SyncRun.id, SyncRun.attempt, SyncRun.queued_at, size, by_schedule)
        .join(UserSync, UserSync.integration_id == SyncRun.integration_id)
        .where(SyncRun.state == "queued", _pause_is_over(now), which)
        .order_by(by_schedule, SyncRun.queued_at, size, SyncRun.id)
    )
    if platforms is not None:
        statement = statement.join(Integration, Integration.id == SyncRun.integration_id).where(
            Integration.platform.in_(platforms)
        )
    return statement


def _pause_is_over(now: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(SyncRun.not_before.is_(None), has_come(SyncRun.not_before, now, PAUSES[-1]))


def _is_big() -> sa.ColumnElement[bool]:
    """Whether a run that the schedule made is of a big list; what a person asked for is begun at once."""
    return sa.and_(SyncRun.trigger == "schedule", sa.func.coalesce(UserSync.last_found, 0) > BIG)


def _big_running(session: Session) -> int:
    statement = (
        sa.select(sa.func.count())
        .select_from(SyncRun)
        .join(UserSync, UserSync.integration_id == SyncRun.integration_id)
        .where(SyncRun.state == "running", _is_big())
    )
    return session.scalar(statement) or 0
