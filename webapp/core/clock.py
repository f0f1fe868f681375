"""The clock that leases and due times go by: that of the database server, or this machine's where that is a file.

Processes on several machines then agree, whatever their own clocks say. A clock that was set back leaves moments that
lie further ahead than they ever can; those count as past, so that nothing waits for hours that nobody meant.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from webapp.core.models import utcnow
from webapp.core.models.base import UtcDateTime


def now_in(target: Session | sa.Connection) -> datetime:
    """The present moment; on Postgres one statement."""
    if not _is_server(target):
        return utcnow()
    found = target.scalar(sa.select(sa.func.clock_timestamp(type_=UtcDateTime())))
    assert isinstance(found, datetime)  # noqa: S101 - what that function returns
    return found


def ahead(target: Session | sa.Connection, length: timedelta) -> sa.ColumnElement[datetime]:
    """The moment ``length`` from now, as a value to store."""
    if not _is_server(target):
        return sa.literal(utcnow() + length, UtcDateTime())
    return sa.type_coerce(sa.func.clock_timestamp() + sa.literal(length, sa.Interval), UtcDateTime())


def has_come(
    moment: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
    now: datetime,
    longest: timedelta,
) -> sa.ColumnElement[bool]:
    """Whether ``moment`` is past, or further ahead than the ``longest`` that it is when stored."""
    return sa.or_(moment <= now, moment > now + longest)


def is_past(moment: datetime, now: datetime, longest: timedelta) -> bool:
    """The same of a moment that was read."""
    return moment <= now or moment > now + longest


def _is_server(target: Session | sa.Connection) -> bool:
    bind = target.get_bind() if isinstance(target, Session) else target
    return bind.dialect.name != "sqlite"
