"""The processes behind every sync and what waits for them, as the status pages show them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from webapp import heartbeat, queue
from webapp.models import db
from webapp.sync.waiting import worked_on


def processes(now: datetime) -> dict[str, Any]:
    """When the scheduler and a worker were last seen, how many runs are in work, and the queue's figures.

    Those are ``None`` without Redis.
    """
    return {
        "scheduler": heartbeat.seen(heartbeat.SCHEDULER, now),
        "worker": heartbeat.seen(heartbeat.WORKER, now),
        "queue": queue.state(),
        "worked_on": worked_on(db.session(), now),
    }
