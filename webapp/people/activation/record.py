"""Writing down an activation, in its own transaction, so that it can be undone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.id_ranges import chunks, ranges
from webapp.core.models import Activation, User
from webapp.people.directory.setup import SetUp


def standing_before(session: Session, contract_id: int, ids: Sequence[int]) -> list[dict[str, Any]]:
    """What of ``ids`` an activation is about to overwrite, as ``Activation.before`` holds it."""
    groups: dict[tuple[datetime, datetime | None, bool], list[int]] = defaultdict(list)
    for some in chunks(ids):
        rows = session.execute(
            sa.select(User.id, User.status_since, User.left_since, User.account_id).where(
                User.contract_id == contract_id, User.id.in_(some)
            )
        )
        for row in rows:
            groups[row.status_since, row.left_since, row.account_id is not None].append(row.id)
    return [
        {
            "ids": ranges(some),
            "since": since.isoformat(),
            "left": left.isoformat() if left else None,
            "account": account,
        }
        for (since, left, account), some in groups.items()
    ]


def note_activation(
    session: Session,
    contract_id: int,
    *,
    before_status: str,
    at: datetime,
    by_user_id: int,
    given: Sequence[tuple[Sequence[int], SetUp]],
    first_name: str,
    before: list[dict[str, Any]],
) -> Activation:
    """Remember who got what; ``given`` are users with the set-up they got, each user once."""
    by = session.scalar(sa.select(User.name).where(User.id == by_user_id, User.contract_id == contract_id))
    made = Activation(
        contract_id=contract_id,
        at=at,
        by=by or "",
        before_status=before_status,
        people=sum(len(ids) for ids, _ in given),
        first_name=first_name,
        given=[
            {
                "ids": ranges(ids),
                "roles": sorted(set_up.roles),
                "team": set_up.team,
                "access": sorted(set_up.access),
            }
            for ids, set_up in given
        ],
        before=before,
    )
    session.add(made)
    session.flush()
    return made
