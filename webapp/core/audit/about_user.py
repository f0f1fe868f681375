"""What the audit log says about single users: events of their own, and those of others that changed them too."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit.log import IDS
from webapp.core.id_ranges import chunks
from webapp.core.models import AuditEvent

# A batch of users, and what goes while the people in it go elsewhere: each names them in its details.
OF_SEVERAL = ("users", "role", "team")


def events_about(session: Session, contract_id: int, user_ids: Collection[int]) -> Iterator[int]:
    """The IDs of all events that are about one of ``user_ids``, some twice."""
    event = AuditEvent
    here = event.contract_id == contract_id
    for some in chunks(list(user_ids)):
        yield from session.scalars(
            sa.select(event.id).where(here, event.target_type == "user", event.target_id.in_(some))
        )
    wanted = sorted(user_ids)
    batches = session.execute(
        sa.select(event.id, event.details[IDS].as_string()).where(here, event.target_type.in_(OF_SEVERAL))
    )
    yield from (event_id for event_id, text in batches if any(_slices(text, wanted)))


@dataclass(frozen=True)
class Event:
    """Something that was done, and the parts of an ascending list of users that it was done to."""

    actor: str
    parts: list[slice]


def events_since(
    session: Session, contract_id: int, wanted: Sequence[int], since: datetime, *, besides: Collection[str]
) -> list[Event]:
    """What was done since then to any of the users ``wanted``, ascending IDs; the last first.

    The actions ``besides`` are left out, and so is whatever else was done in the same requests. Their events may name
    ten thousand people, so they are passed over before anybody is looked for in them.
    """
    event = AuditEvent
    here = (event.contract_id == contract_id, event.at >= since)
    own = set(session.scalars(sa.select(event.request_id).where(*here, event.action.in_(besides)))) - {None}
    others = (*here, event.action.not_in(besides))
    what = (event.id, event.actor, event.request_id)
    found: dict[int, Event] = {}
    for some in chunks(wanted):
        theirs = sa.select(*what, event.target_id).where(
            *others, event.target_type == "user", event.target_id.in_(some)
        )
        for event_id, actor, request_id, user_id in session.execute(theirs):
            if request_id not in own:
                place = bisect_left(wanted, user_id or 0)
                found[event_id] = Event(actor, [slice(place, place + 1)])
    several = sa.select(*what, event.details[IDS].as_string()).where(
        *others, event.target_type.in_(OF_SEVERAL)
    )
    for event_id, actor, request_id, text in session.execute(several):
        if request_id not in own and (parts := list(_slices(text, wanted))):
            found[event_id] = Event(actor, parts)
    return [found[event_id] for event_id in sorted(found, reverse=True)]


def among(text: str | None, wanted: Collection[int]) -> bool:
    """Whether the ranges in ``text`` hold one of ``wanted``."""
    return any(_slices(text, sorted(wanted)))


def _slices(text: str | None, wanted: Sequence[int]) -> Iterator[slice]:
    """The parts of ``wanted``, ascending IDs, that the ranges in ``text`` hold."""
    for part in text.split(", ") if text else []:
        first, _, last = part.partition("-")
        start = bisect_left(wanted, int(first))
        stop = bisect_right(wanted, int(last or first), lo=start)
        if start < stop:
            yield slice(start, stop)
