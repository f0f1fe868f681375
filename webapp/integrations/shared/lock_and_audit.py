"""What every change of an integration's User sync begins with and ends with: a lock, and an audit row."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit import log as audit_log
from webapp.core.models import Integration, UserSync
from webapp.platforms.registry import PLATFORMS
from webapp.sync.plan.safeguard import Limits
from webapp.sync.schedule.schedule import Requester

LIMIT_LABELS = {
    "shrink_percent": "losing, percent",
    "shrink_people": "losing, people",
    "growth_percent": "growing, percent",
    "growth_people": "growing, people",
}


class NotConnected(Exception):
    """The platform is not connected (any more), so nothing can be synced."""


class NotEnabled(Exception):
    """User sync is off."""


class AnotherRunLive(Exception):
    """A run is queued or running, so this one cannot go on now."""


def locked(session: Session, integration_id: int) -> tuple[Integration, UserSync]:
    """The integration and its settings as they are now, locked until the transaction ends.

    The lock on the integration lets a worker write rows that refer to it.
    """
    integration = session.scalars(
        sa.select(Integration)
        .where(Integration.id == integration_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    sync = session.scalars(
        sa.select(UserSync)
        .where(UserSync.integration_id == integration_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    return integration, sync


def limits_of(sync: UserSync) -> Limits:
    """The limits of the safeguard as they are saved."""
    return Limits(sync.shrink_percent, sync.shrink_people, sync.growth_percent, sync.growth_people)


def set_limits(sync: UserSync, limits: Limits) -> dict[str, Any]:
    """Set the limits of the safeguard; what changed, for the audit log."""
    details: dict[str, Any] = {}
    for name, label in LIMIT_LABELS.items():
        before, after = getattr(sync, name), getattr(limits, name)
        if before != after:
            setattr(sync, name, after)
            details[label] = audit_log.changed(before, after)
    return details


def record(
    session: Session,
    integration: Integration,
    action: str,
    details: dict[str, Any] | None,
    by: Requester | None = None,
) -> None:
    audit_log.record(
        session,
        action,
        PLATFORMS[integration.platform].label,
        contract_id=integration.contract_id,
        target_type="integration",
        target_id=integration.id,
        details=details,
        actor=by.name if by is not None and by.account_id is None else None,
    )
