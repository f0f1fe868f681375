"""Previews: the plan of a live fetch, written down for people to read and not applied.

A preview is a run that ends after matching. Its lines are the same as those of a run; nothing else is written. It
may be asked for with settings that are not saved, and be applied as it stands only while it would still do the same.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.database import rows_changed
from webapp.core.models import SyncRun
from webapp.core.models.sync import LIVE_STATES
from webapp.platforms.base import Listing
from webapp.sync.plan.types import Kind, Plan, Step

LIFETIME = timedelta(hours=24)


def fingerprint(plan: Plan) -> str:
    """The same for two plans that do the same, whatever else they remember."""
    digest = hashlib.blake2b(digest_size=32)
    for step in plan.steps:
        if step.kind is not Kind.REFRESH or step.returned:
            digest.update(
                repr(
                    (
                        *(step.kind.value, step.remote_id, step.user_id, step.username, step.after),
                        *(step.reason, step.value, step.candidates, step.returned),
                    )
                ).encode()
            )
    return digest.hexdigest()


def counts(plan: Plan) -> dict[str, int]:
    """What the plan would do, by the names of a run's counters."""
    return {
        "imported": plan.count(Kind.IMPORT),
        "linked": plan.count(Kind.LINK),
        "renamed": plan.count(Kind.RENAME),
        "missing": plan.count(Kind.MISSING),
        "returned": sum(step.returned for step in plan.steps),
    }


def saved_counts(plan: Plan, listing: Listing) -> dict[str, int]:
    """What the saved settings would do, to be compared with what those that are tried do."""
    return counts(plan) | {
        "conflicts": plan.count(Kind.CONFLICT),
        "left_out": plan.count(Kind.LEAVE_OUT) + len(listing.left_out),
    }


def differences(tried: Plan, saved: Plan) -> dict[str, str]:
    """What ``saved`` does with those with whom ``tried`` does something else, by remote ID."""
    before = {step.remote_id: step for step in saved.steps}
    found = {}
    for step in tried.steps:
        other = before.get(step.remote_id)
        if other is not None and _deed(step) != _deed(other):
            found[step.remote_id] = other.kind.value
    return found


def _deed(step: Step) -> tuple[object, ...]:
    return step.kind, step.user_id, step.reason, step.candidates


def end_live(
    session: Session,
    integration_id: int,
    now: datetime,
    *,
    run_id: int | None = None,
    message: str = "Another preview was asked for, so this one was stopped.",
) -> bool:
    """End the preview that is being made for an integration (if it is ``run_id``, where given); whether there was one.

    Its worker finds out at its next write, and has written nothing that matters.
    """
    statement = sa.update(SyncRun).where(
        SyncRun.integration_id == integration_id, SyncRun.preview, SyncRun.state.in_(LIVE_STATES)
    )
    if run_id is not None:
        statement = statement.where(SyncRun.id == run_id)
    ended = rows_changed(
        session,
        statement.values(state="cancelled", message=message, finished_at=now, lease_expires_at=None),
    )
    return bool(ended)


def forget_old(session: Session, now: datetime) -> int:
    """Delete the previews that are past their lifetime; how many."""
    return rows_changed(
        session, sa.delete(SyncRun).where(SyncRun.preview, SyncRun.queued_at < now - LIFETIME)
    )
