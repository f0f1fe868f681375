"""Previews: the plan of a live fetch, written down for people to read and not applied.

A preview is a run that ends after matching. Its lines are the same as those of a run; nothing else is written. It
may be asked for with settings that are not saved, and be applied as it stands only while it would still do the same.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.database import rows_changed
from webapp.models import SyncRun, UserSync
from webapp.models.sync import LIVE_STATES
from webapp.sync.terms import Kind, Plan

LIFETIME = timedelta(hours=24)


class WhatIf(msgspec.Struct, frozen=True, omit_defaults=True):
    """Settings to try instead of the saved ones; ``UNSET`` leaves a saved one as it is."""

    identifier_column: str | msgspec.UnsetType | None = msgspec.UNSET
    left_out_types: list[str] | msgspec.UnsetType = msgspec.UNSET

    def over(self, saved: UserSync) -> UserSync:
        """A copy of ``saved``, in no session, with these settings."""
        copy = UserSync(
            **{column.key: getattr(saved, column.key) for column in sa.inspect(UserSync).mapper.column_attrs}
        )
        for name, value in self.changes().items():
            setattr(copy, name, value)
        return copy

    def changes(self) -> dict[str, Any]:
        """The settings that differ, by the name of their column."""
        return {
            name: value
            for name, value in (
                ("identifier_column", self.identifier_column),
                ("left_out_types", self.left_out_types),
            )
            if value is not msgspec.UNSET
        }


def what_if_of(stored: dict[str, Any] | None) -> WhatIf:
    """The :class:`WhatIf` that a run's row keeps."""
    return msgspec.convert(stored or {}, WhatIf)


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


def end_live(session: Session, integration_id: int, now: datetime) -> None:
    """End the preview that is being made for an integration: another one was asked for."""
    rows_changed(
        session,
        sa.update(SyncRun)
        .where(SyncRun.integration_id == integration_id, SyncRun.preview, SyncRun.state.in_(LIVE_STATES))
        .values(
            state="cancelled",
            message="Another preview was asked for.",
            finished_at=now,
            lease_expires_at=None,
        ),
    )


def forget_old(session: Session, now: datetime) -> int:
    """Delete the previews that are past their lifetime; how many."""
    return rows_changed(
        session, sa.delete(SyncRun).where(SyncRun.preview, SyncRun.queued_at < now - LIFETIME)
    )
