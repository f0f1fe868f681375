"""One user in full: who they are, and what User sync did to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.connectors.platform import Platform
from webapp.connectors.registry import PLATFORMS
from webapp.models import Account, Integration, SyncChange, SyncRun, User
from webapp.sync_status.history import ChangeRow

RECENT_CHANGES = 20


@dataclass(frozen=True)
class Change:
    """What one run did to the user; ``as_whom`` is who they were then, before a merge."""

    words: ChangeRow
    run_id: int
    platform: Platform
    at: datetime
    as_whom: str | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.words, name)


def sign_in_of(session: Session, contract_id: int, user_id: int) -> Account | None:
    """The account this user signs in with, if any."""
    return session.scalars(
        sa.select(Account)
        .join(User, User.account_id == Account.id)
        .where(User.id == user_id, User.contract_id == contract_id)
    ).one_or_none()


def recent_changes(
    session: Session, contract_id: int, user_id: int, merged: Mapping[int, str] = MappingProxyType({})
) -> list[Change]:
    """What the last runs did to this user and to who was ``merged`` into them (names by ID), newest first."""
    rows = session.execute(
        sa.select(SyncChange, SyncRun.queued_at, SyncRun.started_at, Integration.platform)
        .join(SyncRun, SyncRun.id == SyncChange.run_id)
        .join(Integration, Integration.id == SyncRun.integration_id)
        .where(
            SyncChange.user_id.in_([user_id, *merged]),
            SyncRun.contract_id == contract_id,
            ~SyncRun.preview,
            ~SyncRun.proposed,
        )
        .order_by(SyncChange.id.desc())
        .limit(RECENT_CHANGES)
    )
    return [
        Change(
            ChangeRow(change, []),
            change.run_id,
            PLATFORMS[platform],
            started or queued,
            merged.get(change.user_id or 0),
        )
        for change, queued, started, platform in rows
    ]
