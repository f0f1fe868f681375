"""Trying again: what becomes of a run that met with trouble which passes.

It is queued again with a pause that grows, and its row says what it waits for. Where even that cannot be written it
is left to its lease, and the tick takes it up again once that is over. Whoever takes it up plans from what is stored,
so nothing is done twice.
"""

from __future__ import annotations

import logging
import time
from typing import Any

import sqlalchemy as sa

from webapp.core.clock import ahead, now_in
from webapp.core.database import writing
from webapp.core.models import SyncRun, utcnow
from webapp.core.trouble import TRIED_FOR, Trouble, pause_after, trouble_of
from webapp.sync.run.lease import Lease

log = logging.getLogger(__name__)

WRITES = 3  # tries to write it down before the run is left to its lease
BETWEEN_WRITES = 1.0  # seconds

UNSETTLED = Trouble("Users kept being changed here while this run wrote.")


class Unsettled(Exception):
    """Users were changed here again and again, and not one of those planned could be written in between."""


# What a run has no more of once it did something, or is begun by somebody who does not want to wait.
NO_TROUBLE: dict[str, Any] = {"tries": 0, "troubled_since": None}
NO_PAUSE: dict[str, Any] = {"waits_for": None, "not_before": None}


def passing(error: BaseException) -> Trouble | None:
    """The trouble that ``error`` tells of, if a run that met with it is worth another try."""
    return UNSETTLED if isinstance(error, Unsettled) else trouble_of(error)


def try_later(engine: sa.Engine, lease: Lease, trouble: Trouble, timeline: list[dict[str, Any]]) -> bool:
    """Have the run tried again after a pause, or at the end of its lease; ``False`` when it was tried long enough."""
    for write in range(1, WRITES + 1):
        try:
            with writing(), engine.begin() as connection:
                return _queue_again(connection, lease, trouble, timeline)
        except sa.exc.SQLAlchemyError as error:
            if trouble_of(error) is None:
                raise
            log.warning("run %s: its trouble could not be written down: %s", lease.run_id, error)
            if write < WRITES:
                time.sleep(BETWEEN_WRITES)
    log.warning("run %s: left to its lease", lease.run_id)
    return True


def _queue_again(
    connection: sa.Connection, lease: Lease, trouble: Trouble, timeline: list[dict[str, Any]]
) -> bool:
    mine = sa.and_(SyncRun.id == lease.run_id, SyncRun.fence == lease.fence, SyncRun.state == "running")
    row = connection.execute(
        sa.select(SyncRun.tries, SyncRun.troubled_since).where(mine).with_for_update()
    ).one_or_none()
    if row is None:
        log.info("run %s: somebody else has it by now", lease.run_id)
        return True
    now = now_in(connection)
    if row.troubled_since is not None and now - row.troubled_since >= TRIED_FOR:
        return False
    pause = pause_after(row.tries + 1)
    waiting = {"at": utcnow().isoformat(), "title": "Waiting", "text": trouble.sentence, "kind": "warn"}
    connection.execute(
        sa.update(SyncRun)
        .where(mine)
        .values(
            state="queued",
            attempt=SyncRun.attempt + 1,
            queued_at=now,
            lease_expires_at=None,
            tries=row.tries + 1,
            troubled_since=row.troubled_since or now,
            waits_for=trouble.sentence,
            not_before=ahead(connection, pause),
            timeline=[*timeline, waiting],
        )
    )
    log.warning(
        "run %s: %s It is tried again in %.0f s", lease.run_id, trouble.sentence, pause.total_seconds()
    )
    return True
