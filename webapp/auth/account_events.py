"""What happens to an account, written into the audit log of each contract it works in."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.audit import trail
from webapp.models import Account, User


def record(
    session: Session,
    action: str,
    email: str,
    account: Account | None,
    actor: str | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """An audit row in each contract the account is active in; one without a contract if there is none.

    ``email`` is the account's, or what somebody typed when there is no such account.
    """
    contracts: list[int | None] = []
    if account is not None:
        contracts += session.scalars(
            sa.select(User.contract_id)
            .where(User.account_id == account.id, User.status == "active")
            .order_by(User.contract_id)
        )
    for contract_id in contracts or [None]:
        trail.record(
            session,
            action,
            email,
            contract_id=contract_id,
            target_type="account",
            target_id=account.id if account else None,
            details=details,
            actor=actor,
        )
