"""What happens to an account, written into the audit log of each contract it works in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.audit import trail
from webapp.models import Account, AuditEvent, User


def signed_in_from(session: Session, account_id: int, since: datetime) -> set[str]:
    """The addresses from which the account has signed in, as the logs of the contracts it is active in have them."""
    found = session.scalars(
        sa.select(AuditEvent.address)
        .where(
            AuditEvent.contract_id.in_(_contracts(account_id)),
            AuditEvent.target_type == "account",
            AuditEvent.target_id == account_id,
            AuditEvent.action == "account.signed_in",
            AuditEvent.at >= since,
        )
        .distinct()
    )
    return {address for address in found if address}


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
        contracts += session.scalars(_contracts(account.id).order_by(User.contract_id))
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


def _contracts(account_id: int) -> sa.Select[int]:
    return sa.select(User.contract_id).where(User.account_id == account_id, User.status == "active")
