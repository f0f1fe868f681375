"""Rows that wait to be sent, mails and webhook events alike: taken by one worker each, and tried again.

While a worker sends a row, ``next_try_at`` lies ahead and ``attempts`` is its own number, so that nobody else takes
it and a worker that comes back late writes nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.database import write_transaction
from webapp.core.models import Message, WebhookDelivery

TAKEN_FOR = timedelta(minutes=10)  # as long as a job that sends may last

Row = TypeVar("Row", Message, WebhookDelivery)


def due(model: type[Row], now: datetime) -> sa.ColumnElement[bool]:
    """Whether a row waits to be sent now."""
    return sa.and_(model.state == "waiting", model.next_try_at <= now)


def any_due(session: Session, model: type[Row], now: datetime) -> bool:
    """Whether there is something to send now."""
    return bool(session.scalar(sa.select(sa.exists().where(due(model, now)))))


def take(model: type[Row], now: datetime, at_most: int) -> list[Row]:
    """The next rows, in the order of their ids, taken so that no other worker sends them meanwhile."""
    with write_transaction() as session:
        ids = session.scalars(
            sa.select(model.id)
            .where(due(model, now))
            .order_by(model.next_try_at, model.id)
            .limit(at_most)
            .with_for_update(skip_locked=True)
        ).all()
        if not ids:
            return []
        rows = session.scalars(
            sa.update(model)
            .where(model.id.in_(ids))
            .values(attempts=model.attempts + 1, next_try_at=now + TAKEN_FOR)
            .returning(model)
            .execution_options(populate_existing=True)
        ).all()
        for row in rows:
            session.expunge(row)  # as it was taken, whatever becomes of it meanwhile
        return sorted(rows, key=lambda row: row.id)


def mine(row: Row) -> sa.ColumnElement[bool]:
    """Whether ``row`` still waits for what becomes of this worker's try."""
    model = type(row)
    return sa.and_(model.id == row.id, model.state == "waiting", model.attempts == row.attempts)


def still_mine(row: Row) -> sa.Update:
    """An UPDATE of ``row``, as long as it is the try of this worker."""
    return sa.update(type(row)).where(mine(row))
