"""The processes behind every sync and what waits for them, as the status pages show them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from webapp import heartbeat, queue


def processes(now: datetime) -> dict[str, Any]:
    """When the scheduler and a worker were last seen, and the queue's figures (``None`` without Redis)."""
    return {
        "scheduler": heartbeat.seen(heartbeat.SCHEDULER, now),
        "worker": heartbeat.seen(heartbeat.WORKER, now),
        "queue": queue.state(),
    }
