"""What the audit log says about single users: events of their own, and those of others that changed them too."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.audit.trail import IDS
from webapp.models import AuditEvent
from webapp.users.batch import chunks, ids_in

# A batch of users, and what goes while the people in it go elsewhere: each names them in its details.
OF_SEVERAL = ("users", "role", "team")


def events_about(
    session: Session, contract_id: int, user_ids: Sequence[int]
) -> Iterator[tuple[int, set[int]]]:
    """The IDs of all events that are about one of ``user_ids``, each with those it is about."""
    event = AuditEvent
    here = event.contract_id == contract_id
    for some in chunks(user_ids):
        own = session.execute(
            sa.select(event.id, event.target_id).where(
                here, event.target_type == "user", event.target_id.in_(some)
            )
        )
        for event_id, user_id in own:
            yield event_id, {user_id or 0}
    wanted = set(user_ids)
    batches = session.execute(
        sa.select(event.id, event.details[IDS].as_string()).where(here, event.target_type.in_(OF_SEVERAL))
    )
    for event_id, text in batches:
        if found := among(text, wanted):
            yield event_id, found


def among(text: str | None, wanted: Collection[int]) -> set[int]:
    """Those of ``wanted`` whom the ranges in ``text`` hold."""
    if not text:
        return set()
    if len(wanted) < 50:  # a few people against what may be thousands
        spans = [part.partition("-") for part in text.split(", ")]
        bounds = [(int(first), int(last or first)) for first, _, last in spans]
        return {user_id for user_id in wanted if any(low <= user_id <= high for low, high in bounds)}
    return set(ids_in(text)).intersection(wanted)
