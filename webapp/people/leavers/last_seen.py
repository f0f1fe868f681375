"""When and by which run somebody who is gone was seen last on a platform."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from webapp.core.models import Integration, Person, SyncRun
from webapp.core.models.sync import SUCCESS_STATES


@dataclass(frozen=True)
class Sight:
    """The run whose list still had them, and when it ended."""

    run_id: int
    at: datetime


def last_sights(session: Session, user_ids: Iterable[int]) -> dict[tuple[int, str], Sight]:
    """By user ID and platform key; who was never on a good run's list before is left out."""
    run = aliased(SyncRun)
    before = (
        sa.select(sa.func.max(run.id))
        .where(
            run.integration_id == Person.integration_id,
            run.state.in_(SUCCESS_STATES),
            ~run.preview,
            run.finished_at <= Person.missing_since,
        )
        .correlate(Person)
        .scalar_subquery()
    )
    rows = session.execute(
        sa.select(Person.user_id, Integration.platform, SyncRun.id, SyncRun.finished_at)
        .join(Integration, Integration.id == Person.integration_id)
        .join(SyncRun, SyncRun.id == before)
        .where(Person.user_id.in_(list(user_ids)), Person.missing_since.is_not(None))
    )
    return {
        (user_id, platform): Sight(run_id, at)
        for user_id, platform, run_id, at in rows
        if user_id is not None and at is not None
    }
