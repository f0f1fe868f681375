"""Who is due in a contract at this moment, read from the tables; nothing is changed here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.models import (
    Integration,
    LeaverRule,
    Person,
    Role,
    RolePermission,
    SyncRun,
    User,
    UserRole,
    UserSync,
    utcnow,
)
from webapp.core.models.sync import SUCCESS_STATES
from webapp.core.permissions import MANAGE_ROLES
from webapp.people.directory.due import Candidate, counted_from, too_many, who_is_due
from webapp.sync.plan.safeguard import Limits
from webapp.sync.schedule.health import LATE_AFTER

AT_ONCE = 5_000  # people one pass deactivates; the next one goes on
ADMINISTRATOR = "administrator"
CUT_OFF = timedelta(days=500)  # older readings are never looked at


@dataclass(frozen=True)
class Due:
    """User IDs, the longest gone first; ``held`` when they are more than the safeguard lets go at once.

    ``gone_until``: when the last of them went.
    """

    ids: list[int]
    held: bool = False
    gone_until: datetime | None = None


def of_contract(session: Session, contract_id: int, now: datetime | None = None) -> Due | None:
    """Who is due by the contract's rule; ``None`` without one."""
    rule = session.get(LeaverRule, contract_id, populate_existing=True)
    if rule is None:
        return None
    return due_after(session, contract_id, rule.days, now or utcnow(), rule.spared_until)


def due_after(
    session: Session, contract_id: int, days: int, now: datetime, spared_until: datetime | None = None
) -> Due:
    """Who would be due if the rule were ``days``."""
    span = timedelta(days=days)
    candidates = list(_candidates(session, contract_id, now - span))
    if not candidates:
        return Due([])
    limits = _limits(session, contract_id)
    counted = {
        integration: counted_from(_readings(session, integration, now), now, span, LATE_AFTER)
        for integration in limits
    }
    due = who_is_due(candidates, counted, spared_until)
    if not due:
        return Due([])
    held = too_many(due, _known(session, contract_id), limits)
    return Due([one.user_id for one in due[:AT_ONCE]], held, due[-1].gone_since)


def _candidates(session: Session, contract_id: int, before: datetime) -> Iterator[Candidate]:
    """Active users whom no platform lists, and at least one has not listed since ``before``."""
    there = sa.orm.aliased(Person)
    rows = session.execute(
        sa.select(
            User.id,
            User.status_since,
            _runs_the_contract().label("protected"),
            Person.integration_id,
            Person.missing_since,
        )
        .join(Person, Person.user_id == User.id)
        .where(
            User.contract_id == contract_id,
            User.status == "active",
            User.id.in_(
                sa.select(there.user_id).where(
                    there.integration_id.in_(
                        sa.select(Integration.id).where(Integration.contract_id == contract_id)
                    ),
                    there.user_id.is_not(None),
                    there.missing_since <= before,
                )
            ),
        )
        .order_by(User.id)
    )
    found: dict[int, tuple[datetime, bool, dict[int, datetime | None]]] = {}
    for row in rows:
        missing = found.setdefault(row.id, (row.status_since, bool(row.protected), {}))[2]
        missing[row.integration_id] = row.missing_since
    for user_id, (since, protected, missing) in found.items():
        yield Candidate(user_id, since, protected, missing)


def _runs_the_contract() -> sa.ColumnElement[bool]:
    """Whether the user is an administrator, or has a role that can make one."""
    gives_roles = sa.exists().where(
        RolePermission.role_id == Role.id, RolePermission.permission == MANAGE_ROLES
    )
    return (
        sa.exists()
        .where(
            UserRole.user_id == User.id,
            Role.id == UserRole.role_id,
            sa.or_(Role.key == ADMINISTRATOR, gives_roles),
        )
        .correlate(User)
    )


def _readings(session: Session, integration_id: int, now: datetime) -> list[datetime]:
    """When the platform's list was read and applied."""
    return [
        moment
        for moment in session.scalars(
            sa.select(SyncRun.finished_at).where(
                SyncRun.integration_id == integration_id,
                SyncRun.state.in_(SUCCESS_STATES),
                ~SyncRun.preview,
                SyncRun.finished_at > now - CUT_OFF,
            )
        )
        if moment is not None
    ]


def _limits(session: Session, contract_id: int) -> dict[int, Limits]:
    rows = session.execute(
        sa.select(UserSync.integration_id, UserSync.shrink_percent, UserSync.shrink_people)
        .join(Integration, Integration.id == UserSync.integration_id)
        .where(
            Integration.contract_id == contract_id, UserSync.enabled, Integration.connection == "connected"
        )
    )
    return {row.integration_id: Limits(row.shrink_percent, row.shrink_people) for row in rows}


def _known(session: Session, contract_id: int) -> dict[int, int]:
    rows = session.execute(
        sa.select(Person.integration_id, sa.func.count())
        .join(User, User.id == Person.user_id)
        .where(User.contract_id == contract_id, User.status == "active")
        .group_by(Person.integration_id)
    )
    return dict(rows.all())
