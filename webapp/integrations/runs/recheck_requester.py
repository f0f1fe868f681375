"""Whether who asked for a run may still have it when a worker begins it.

Only what somebody asks for by hand is looked at: a schedule is the contract's own, and so is a first import. For a held
run that was approved, whoever approved it answers.
A run that was begun is gone on with, whoever asked, because half of it would be worse.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit import log as audit_log
from webapp.core.database import write_transaction
from webapp.core.models import Account, Integration, RolePermission, SyncRun, User, UserRole, utcnow
from webapp.core.permissions import MANAGE_INTEGRATIONS
from webapp.platforms.registry import PLATFORMS

BY_HAND = ("manual", "undo")
WHY = "Whoever asked for it may no longer do so. Nobody was changed."


def ended_unasked(run: SyncRun, actor: str) -> bool:
    """End ``run``, which no worker has begun, when its requester may no longer have it; whether that was so.

    ``actor`` is who the audit log names.
    """
    if (
        run.state != "queued"
        or run.started_at is not None
        or run.requested_by_id is None
        or run.approved
        or run.trigger not in BY_HAND
    ):
        return False
    with write_transaction() as session:
        if _may(session, run.contract_id, run.requested_by_id):
            return False
        ended = session.execute(
            sa.update(SyncRun)
            .where(SyncRun.id == run.id, SyncRun.state == "queued", SyncRun.started_at.is_(None))
            .values(state="cancelled", finished_at=utcnow(), message=WHY)
        )
        integration = session.get_one(Integration, run.integration_id)
        if ended.rowcount:  # type: ignore[attr-defined]
            audit_log.record(
                session,
                "user_sync.not_begun",
                PLATFORMS[integration.platform].label,
                contract_id=run.contract_id,
                target_type="integration",
                target_id=integration.id,
                details={"run": run.id, "asked by": run.requested_by or "", "reason": WHY},
                actor=actor,
            )
    return True


def _may(session: Session, contract_id: int, account_id: int) -> bool:
    """Whether the account may start runs in the contract now, as one of its users or as platform-wide support."""
    account = session.get_one(Account, account_id)
    if account.disabled_at is not None:
        return False
    if account.support and account.support_may_sync:
        return True
    found = (
        sa.select(User.id)
        .join(UserRole, sa.and_(UserRole.user_id == User.id, UserRole.contract_id == User.contract_id))
        .join(RolePermission, RolePermission.role_id == UserRole.role_id)
        .where(User.contract_id == contract_id, User.account_id == account_id, User.status == "active")
        .where(RolePermission.permission == MANAGE_INTEGRATIONS)
    )
    return session.scalar(found.limit(1)) is not None
