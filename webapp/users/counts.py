"""How many users of each status a contract has, counted once for each request."""

from __future__ import annotations

import sqlalchemy as sa
from flask import g

from webapp.models import User, db, is_here
from webapp.models.user import USER_STATUSES


def status_counts(contract_id: int) -> dict[str, int]:
    """The number of users by status. Side bar, tabs and pages share one statement."""
    counted: dict[int, dict[str, int]] = g.setdefault("user_counts", {})
    if contract_id not in counted:
        found = db.session.execute(
            sa.select(User.status, sa.func.count())
            .where(User.contract_id == contract_id, is_here())
            .group_by(User.status)
        ).all()
        counted[contract_id] = dict.fromkeys(USER_STATUSES, 0) | dict(found)
    return counted[contract_id]
