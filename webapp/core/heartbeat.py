"""When background processes were last seen alive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.database import insert_into
from webapp.core.models import Heartbeat, db, table_of, utcnow

SCHEDULER, WORKER = "scheduler", "worker"
ALIVE_WITHIN = timedelta(seconds=120)
SKEW = timedelta(
    seconds=15
)  # by which another machine's clock may be ahead; beyond that, this one was set back


@dataclass(frozen=True)
class Seen:
    """When a process was last seen, and whether that is recent enough to call it alive."""

    seen_at: datetime | None
    alive: bool


def beat(session: Session, name: str, now: datetime) -> None:
    """Note that ``name`` is alive. Call inside a write transaction."""
    session.execute(
        insert_into(session, table_of(Heartbeat))
        .values(name=name, seen_at=now)
        .on_conflict_do_update(index_elements=["name"], set_={"seen_at": now})
    )


def seen(name: str, now: datetime | None = None) -> Seen:
    """When ``name`` was last seen."""
    at = db.session.scalar(sa.select(Heartbeat.seen_at).where(Heartbeat.name == name))
    return Seen(at, at is not None and -SKEW < (now or utcnow()) - at < ALIVE_WITHIN)
