"""Which users of a contract already have the identifiers of a file."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from webapp.core.models import User, is_here
from webapp.people.uploads.rows import Rows
from webapp.people.uploads.validate import Holder, Taken


def taken_by(session: Session, contract_id: int, rows: Rows) -> Taken:
    """Look them up, in three statements."""
    return Taken(
        _holders(session, contract_id, User.username_key, rows.named.keys),
        _holders(session, contract_id, User.email_key, rows.named.keys),
        _holders(session, contract_id, User.third_party_key, rows.third_party.keys),
    )


def _holders(
    session: Session,
    contract_id: int,
    column: InstrumentedAttribute[str] | InstrumentedAttribute[str | None],
    keys: Collection[str],
) -> dict[str, Holder]:
    """Users by the value they have in ``column``."""
    if not keys:
        return {}
    listed: Sequence[str] = sorted(keys)
    found = session.execute(
        sa.select(column, User.name, User.status)
        .where(User.contract_id == contract_id, column.in_(listed), is_here())
        .order_by(User.id)
    )
    return {key: Holder(name, status) for key, name, status in found if key is not None}
