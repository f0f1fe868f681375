"""What happens to an account, written into the audit log of each contract it works in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit import log as audit_log
from webapp.core.audit.masking import NO_ACCOUNT
from webapp.core.digests import short_digest
from webapp.core.models import Account, AuditEvent, User, utcnow

MOST_TRIES = 10  # rows an hour about one account's failed tries
AN_HOUR = timedelta(hours=1)


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

    ``email`` is the account's. What somebody typed who is not signed in goes to :func:`record_try`.
    """
    contracts: list[int | None] = []
    if account is not None:
        contracts += session.scalars(_contracts(account.id).order_by(User.contract_id))
    for contract_id in contracts or [None]:
        audit_log.record(
            session,
            action,
            email,
            contract_id=contract_id,
            target_type="account",
            target_id=account.id if account else None,
            details=details,
            actor=actor,
        )


def record_try(session: Session, action: str, key: str, account: Account | None) -> None:
    """An audit row for what somebody did who is not signed in, with ``key`` as the email.

    What is typed there may be a password, so that it is not kept: the row names the account, or a digest. A stranger
    may try without end, so that there are no more than :data:`MOST_TRIES` rows an hour about an account, and as many
    about all that there are not; the log has each try.
    """
    contract_id = session.scalar(_contracts(account.id).limit(1)) if account is not None else None
    noted = _noted_lately(session, action, contract_id, account)
    if noted < MOST_TRIES:
        target = account.email if account is not None else f"{NO_ACCOUNT} ({short_digest('email', key)})"
        last = {"more": "Further tries within the hour are in the log of the server."}
        record(session, action, target, account, details=last if noted == MOST_TRIES - 1 else None)


def who(key: str, account: Account | None) -> str:
    """For the log: whom a try was for, without what was typed."""
    return f"account {account.id}" if account is not None else f"email {short_digest('email', key)}"


def _noted_lately(session: Session, action: str, contract_id: int | None, account: Account | None) -> int:
    """How many rows the last hour has about such a try."""
    in_contract = AuditEvent.contract_id
    account_id = account.id if account is not None else None
    return (
        session.scalar(
            sa.select(sa.func.count()).where(
                in_contract.is_(None) if contract_id is None else in_contract == contract_id,
                AuditEvent.action == action,
                AuditEvent.at > utcnow() - AN_HOUR,
                AuditEvent.target_id.is_(None) if account_id is None else AuditEvent.target_id == account_id,
            )
        )
        or 0
    )


def _contracts(account_id: int) -> sa.Select[int]:
    return sa.select(User.contract_id).where(User.account_id == account_id, User.status == "active")
