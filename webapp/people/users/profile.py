"""One user in full: who they are, and what User sync did to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.models import Account, Integration, Person, SyncChange, SyncRun, User
from webapp.platforms.platform import Platform
from webapp.platforms.registry import PLATFORMS
from webapp.sync.run.change_words import ChangeRow

RECENT_CHANGES = 10


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


def namer_of(session: Session, contract_id: int, user_id: int) -> Platform | None:
    """The platform that names this user: the first in line of those that list them under a name."""
    platform = session.scalar(
        sa.select(Integration.platform)
        .join(Person, Person.integration_id == Integration.id)
        .where(
            Integration.contract_id == contract_id,
            Person.user_id == user_id,
            Person.outcome == "linked",
            Person.missing_since.is_(None),
            Person.name != "",
        )
        .order_by(Integration.name_rank, Integration.id)
        .limit(1)
    )
    return PLATFORMS.get(platform or "")


def change_count(session: Session, contract_id: int, user_id: int, merged: Iterable[int]) -> int:
    """How many lines of runs are about this user and who was ``merged`` into them."""
    return session.scalar(_changes(sa.select(sa.func.count()), contract_id, [user_id, *merged])) or 0


def recent_changes(
    session: Session,
    contract_id: int,
    user_id: int,
    merged: Mapping[int, str] = MappingProxyType({}),
    *,
    limit: int = RECENT_CHANGES,
    offset: int = 0,
) -> list[Change]:
    """What the last runs did to this user and to who was ``merged`` into them (names by ID), newest first."""
    wanted: sa.Select[*tuple[Any, ...]] = sa.select(
        SyncChange, SyncRun.queued_at, SyncRun.started_at, Integration.platform
    )
    rows: Iterable[Any] = session.execute(
        _changes(wanted, contract_id, [user_id, *merged])
        .order_by(SyncChange.id.desc())
        .limit(limit)
        .offset(offset)
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


def _changes(
    statement: sa.Select[*tuple[Any, ...]], contract_id: int, user_ids: list[int]
) -> sa.Select[*tuple[Any, ...]]:
    """``statement`` over the lines about these users, of runs that did something."""
    return (
        statement.select_from(SyncChange)
        .join(SyncRun, SyncRun.id == SyncChange.run_id)
        .join(Integration, Integration.id == SyncRun.integration_id)
        .where(
            SyncChange.user_id.in_(user_ids),
            SyncRun.contract_id == contract_id,
            ~SyncRun.preview,
            ~SyncRun.proposed,
        )
    )
