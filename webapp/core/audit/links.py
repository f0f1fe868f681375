"""What an entry of the log is about and is still there to look at; undoing it, where that is possible, begins there."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit.log import IDS
from webapp.core.id_ranges import ids_in
from webapp.core.models import Activation, AuditEvent, Role, SyncRun, Team, User, is_here

Place = tuple[str, int]  # its kind (user, role, team, run or activation) and its ID

ACTIVATED = ("users.activated", "users.reactivated")
LONGEST = timedelta(minutes=10)  # that an activation takes
KEPT: dict[str, type[User] | type[Role] | type[Team] | type[SyncRun]] = {
    "user": User,
    "role": Role,
    "team": Team,
    "run": SyncRun,
}


def places_of(session: Session, contract_id: int, events: Sequence[AuditEvent]) -> dict[int, Place]:
    """Where each of ``events`` can be looked at, by its ID, in at most a statement a kind."""
    wanted = {event.id: place for event in events if (place := _named_in(event))}
    there = {
        (kind, one)
        for kind in KEPT.keys() & {kind for kind, _ in wanted.values()}
        for one in _there(session, contract_id, kind, {one for of, one in wanted.values() if of == kind})
    }
    found = {event_id: place for event_id, place in wanted.items() if place in there}
    return found | _activations(session, contract_id, [one for one in events if one.action in ACTIVATED])


def _named_in(event: AuditEvent) -> Place | None:
    run = (event.details or {}).get("run")
    if isinstance(run, int):
        return "run", run
    if event.target_type in KEPT and event.target_id is not None:
        return event.target_type, event.target_id
    return None


def _there(session: Session, contract_id: int, kind: str, ids: Iterable[int]) -> Iterable[int]:
    table = KEPT[kind]
    where = [table.contract_id == contract_id, table.id.in_(ids), *([is_here()] if table is User else [])]
    return session.scalars(sa.select(table.id).where(*where))


def _activations(session: Session, contract_id: int, events: Sequence[AuditEvent]) -> dict[int, Place]:
    """An activation is written down after its moment and before the next one's, under the contract's lock."""
    if not events:
        return {}
    moments = [event.at for event in events]
    made = session.execute(
        sa.select(Activation.id, Activation.at, Activation.people)
        .where(
            Activation.contract_id == contract_id,
            Activation.at.between(min(moments) - LONGEST, max(moments)),
        )
        .order_by(Activation.at)
    ).all()
    found: dict[int, Place] = {}
    for event in events:
        place = bisect_right([one.at for one in made], event.at)
        ids = ids_in((event.details or {}).get(IDS) or "")
        if place and made[place - 1].people == len(ids):
            found[event.id] = ("activation", made[place - 1].id)
    return found
