"""Every contract's platforms as support staff see them: judged, counted, searched and paged by the database.

The judgement in SQL is the one of :func:`webapp.sync.schedule.status.standing`; a property test holds them together.
No name, address or record of a person is read here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.models import Contract, ContractFeature, Integration, SyncRun, UserSync
from webapp.core.models.sync import COUNTING_STATES, LIVE_STATES
from webapp.core.permissions import INTEGRATIONS
from webapp.platforms.platform import Platform
from webapp.platforms.registry import PLATFORMS
from webapp.sync.schedule.health import FIRST_WITHIN, LATE_AFTER, OVERDUE_AFTER, Facts, judge
from webapp.sync.schedule.status import (
    BROKEN,
    BY_URGENCY,
    FAILING,
    FIRST,
    HELD,
    LATE,
    NOT_CONNECTED,
    OFF,
    ON_TIME,
    OVERDUE,
    PAUSED,
)


@dataclass(frozen=True)
class FleetRow:
    """One contract's connection to one platform."""

    integration_id: int
    slug: str
    contract: str
    platform: Platform
    standing: str
    message: str
    available: bool
    freshness: str | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_failure: str | None
    next_run_at: datetime | None
    live: str | None
    can_sync_now: bool


def counts(session: Session, now: datetime, q: str = "") -> dict[str, int]:
    """How many connections stand how; every word of :data:`BY_URGENCY` is there."""
    judged = _judged(now, q).subquery()
    found = session.execute(sa.select(judged.c.standing, sa.func.count()).group_by(judged.c.standing))
    by_rank = {row[0]: row[1] for row in found}
    return {word: by_rank.get(rank, 0) for rank, word in enumerate(BY_URGENCY)}


def rows(
    session: Session, now: datetime, standings: Collection[str], q: str = "", *, limit: int, offset: int = 0
) -> list[FleetRow]:
    """A page of the connections that stand like that: the most urgent first, then the longest without a success.

    One statement.
    """
    judged = _judged(now, q).subquery()
    wanted = [BY_URGENCY.index(word) for word in standings]
    page = (
        sa.select(judged)
        .where(judged.c.standing.in_(wanted))
        .order_by(judged.c.standing, judged.c.since, judged.c.integration_id)
        .limit(limit)
        .offset(offset)
        .subquery()
    )
    last, failed, live = sa.orm.aliased(SyncRun), sa.orm.aliased(SyncRun), sa.orm.aliased(SyncRun)
    statement = (
        sa.select(
            page.c.standing,
            page.c.available,
            Integration,
            UserSync,
            Contract.slug,
            Contract.name,
            last.state.label("last_state"),
            last.message.label("last_message"),
            failed.message.label("failure"),
            failed.finished_at.label("failed_at"),
            live.state.label("live"),
        )
        .select_from(page)
        .join(Integration, Integration.id == page.c.integration_id)
        .join(UserSync, UserSync.integration_id == Integration.id)
        .join(Contract, Contract.id == Integration.contract_id)
        .outerjoin(last, last.id == _newest(page.c.integration_id, COUNTING_STATES, SyncRun.id))
        .outerjoin(failed, failed.id == _newest(page.c.integration_id, ("failed",), SyncRun.id))
        .outerjoin(
            live,
            sa.and_(live.integration_id == page.c.integration_id, live.state.in_(LIVE_STATES), ~live.preview),
        )
        .order_by(page.c.standing, page.c.since, page.c.integration_id)
    )
    return [_row(row, now) for row in session.execute(statement)]


def _row(row: Any, now: datetime) -> FleetRow:
    integration, sync = row.Integration, row.UserSync
    facts = Facts(
        connection=integration.connection,
        connection_message=integration.connection_message,
        enabled=sync.enabled,
        enabled_at=sync.enabled_at,
        ever_enabled=sync.enabled_at is not None,
        last_success_at=sync.last_success_at,
        last_state=row.last_state,
        last_message=row.last_message,
        running=row.live is not None,
        failures=sync.failures,
        paused_at=sync.paused_at,
        resumed_at=sync.resumed_at,
    )
    health = judge(facts, now)
    may_run = row.available and sync.enabled and integration.connection == "connected"
    return FleetRow(
        integration_id=integration.id,
        slug=row.slug,
        contract=row.name,
        platform=PLATFORMS[integration.platform],
        standing=BY_URGENCY[row.standing],
        message=health.message_without_people
        if row.available
        else "Integrations is switched off for this contract.",
        available=row.available,
        freshness=health.freshness if row.available else None,
        last_success_at=sync.last_success_at,
        last_failure_at=row.failed_at,
        last_failure=row.failure,
        next_run_at=sync.next_run_at if may_run and sync.paused_at is None else None,
        live=row.live,
        can_sync_now=may_run and row.live is None,
    )


def _judged(now: datetime, q: str) -> sa.Select[Any]:
    """``integration_id, available, standing`` (its place in BY_URGENCY) and ``since`` of every connection."""
    feature = (
        sa.exists()
        .where(
            ContractFeature.contract_id == Integration.contract_id, ContractFeature.feature == INTEGRATIONS
        )
        .label("available")
    )
    last_state = _newest(Integration.id, COUNTING_STATES, SyncRun.state).label("last_state")
    first = sa.or_(UserSync.last_success_at.is_(None), UserSync.last_success_at < UserSync.enabled_at)
    good = sa.case((first, UserSync.enabled_at), else_=UserSync.last_success_at)
    facts = (
        sa.select(
            Integration.id.label("integration_id"),
            Integration.connection,
            sa.and_(UserSync.enabled, UserSync.enabled_at.is_not(None), UserSync.paused_at.is_(None)).label(
                "planned"
            ),
            sa.and_(UserSync.enabled, UserSync.paused_at.is_not(None)).label("paused"),
            first.label("first"),
            sa.case((UserSync.resumed_at > good, UserSync.resumed_at), else_=good).label("counted_from"),
            sa.func.coalesce(UserSync.last_success_at, UserSync.enabled_at, Integration.created_at).label(
                "since"
            ),
            feature,
            last_state,
        )
        .join(UserSync, UserSync.integration_id == Integration.id)
        .join(Contract, Contract.id == Integration.contract_id)
    )
    if q:
        facts = facts.where(
            sa.or_(Contract.name.icontains(q, autoescape=True), Contract.slug.icontains(q, autoescape=True))
        )
    fact = facts.subquery()
    late_by = sa.case(
        (fact.c.first, sa.literal(now - FIRST_WITHIN, UserSync.enabled_at.type)),
        else_=sa.literal(now - LATE_AFTER, UserSync.enabled_at.type),
    )
    word = sa.case(
        (fact.c.connection == "not_connected", _rank(NOT_CONNECTED)),
        (~fact.c.available, _rank(OFF)),
        (fact.c.connection == "broken", _rank(BROKEN)),
        (sa.and_(fact.c.planned, fact.c.counted_from < _ago(now, OVERDUE_AFTER)), _rank(OVERDUE)),
        (fact.c.last_state == "held", _rank(HELD)),
        (fact.c.last_state == "failed", _rank(FAILING)),
        (sa.and_(fact.c.planned, fact.c.counted_from < late_by), _rank(LATE)),
        (fact.c.paused, _rank(PAUSED)),
        (~fact.c.planned, _rank(OFF)),
        (fact.c.first, _rank(FIRST)),
        else_=_rank(ON_TIME),
    )
    return sa.select(fact.c.integration_id, fact.c.available, fact.c.since, word.label("standing"))


def _newest(integration_id: Any, states: Collection[str], column: Any) -> sa.ScalarSelect[Any]:
    """``column`` of the newest sync of an integration that ended in one of ``states``; an undo is none."""
    return (
        sa.select(column)
        .where(
            SyncRun.integration_id == integration_id,
            SyncRun.state.in_(states),
            ~SyncRun.preview,
            SyncRun.trigger != "undo",
        )
        .order_by(SyncRun.id.desc())
        .limit(1)
        .correlate_except(SyncRun)
        .scalar_subquery()
    )


def _ago(now: datetime, span: timedelta) -> Any:
    return sa.literal(now - span, UserSync.enabled_at.type)


def _rank(word: str) -> Any:
    return sa.literal_column(str(BY_URGENCY.index(word)))
