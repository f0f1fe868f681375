"""What was before, where a change line alone does not say it: kept in the line's detail so that a run can be undone.

``was``: what had been decided about somebody who was known and not linked. ``named_by``: which integration had
given the name, unless it was this one (``None``: none had), and ``named_at`` when. ``username``: of an imported
user, unless it is the email or the remote ID.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from webapp.core.models import Person, User
from webapp.sync.plan.types import Kind, Step

Former = dict[str, dict[str, Any]]  # by remote ID

TOUCHES_A_USER = (Kind.IMPORT, Kind.LINK, Kind.RENAME)


def former(connection: sa.Connection, integration_id: int, steps: Sequence[Step]) -> Former:
    """What is to be remembered of everybody whom ``steps`` change. Call it before they are carried out."""
    found: Former = {}
    for step in steps:
        if step.kind is Kind.IMPORT and step.username not in (None, step.email, step.remote_id):
            found[step.remote_id] = {"username": step.username}
    changing = [step for step in steps if step.kind in TOUCHES_A_USER]
    people = [step.person_id for step in changing if step.person_id is not None]
    if people:
        rows = connection.execute(
            sa.select(Person.remote_id, Person.outcome, Person.reason, Person.detail).where(
                Person.id.in_(people), Person.user_id.is_(None)
            )
        )
        for row in rows:
            was = {"outcome": row.outcome, "reason": row.reason, "detail": row.detail}
            found.setdefault(row.remote_id, {})["was"] = was
    renamed = {step.user_id: step.remote_id for step in changing if step.kind is Kind.RENAME}
    if renamed:
        named = connection.execute(
            sa.select(User.id, User.named_by_integration_id, User.named_at).where(User.id.in_(renamed))
        )
        for user_id, named_by, named_at in named:
            detail = found.setdefault(renamed[user_id], {})
            if named_by != integration_id:
                detail["named_by"] = named_by
            if named_at is not None:
                detail["named_at"] = named_at.isoformat()
    return found
