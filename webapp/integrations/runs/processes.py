"""The processes behind every sync and what waits for them, as the status pages show them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from webapp.core import heartbeat
from webapp.core.models import Question, SyncRun, db
from webapp.queue import wake


def processes(now: datetime) -> dict[str, Any]:
    """When the scheduler and a worker were last seen, how much is in work, and the queue's figures.

    Those are ``None`` without Redis.
    """
    return {
        "scheduler": heartbeat.seen(heartbeat.SCHEDULER, now),
        "worker": heartbeat.seen(heartbeat.WORKER, now),
        "queue": wake.state(),
        "worked_on": worked_on(now),
    }


def worked_on(now: datetime) -> int:
    """How many runs and questions a worker holds at ``now``; one that died holds them until its lease ends."""
    runs = sa.select(sa.func.count(SyncRun.id)).where(
        SyncRun.state == "running", SyncRun.lease_expires_at >= now
    )
    questions = sa.select(sa.func.count(Question.id)).where(
        Question.state == "running", Question.lease_expires_at >= now
    )
    return (db.session.scalar(runs) or 0) + (db.session.scalar(questions) or 0)
