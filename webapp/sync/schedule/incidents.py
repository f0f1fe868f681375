"""Incidents of an integration: opened and closed in the transaction of what happened.

Who is told of them, and how, is decided later and elsewhere; here they are only written down.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from webapp.core.database import insert_into
from webapp.core.models import ContractFeature, Incident, Integration, SyncRun, UserSync, table_of
from webapp.core.models.incident import INCIDENT_KINDS
from webapp.core.models.sync import SUCCESS_STATES
from webapp.sync.schedule.health import OVERDUE_AFTER, QUARANTINED_FROM

RECOVERED, DECIDED, MOOT = "recovered", "decided", "moot"
OVERDUE_AT_ONCE = 500  # incidents one tick opens; the next one goes on


def open_incident(
    connection: sa.Connection,
    kind: str,
    *,
    contract_id: int,
    integration_id: int,
    now: datetime,
    message: str = "",
    run_id: int | None = None,
) -> None:
    """Write down that ``kind`` began, unless it is open already."""
    connection.execute(
        insert_into(connection, table_of(Incident))
        .values(
            contract_id=contract_id,
            integration_id=integration_id,
            kind=kind,
            opened_at=now,
            message=message[:1000],
            run_id=run_id,
            announce="beginning",
            closed_at=now if kind == "first_import" else None,
            ended=RECOVERED if kind == "first_import" else None,
        )
        .on_conflict_do_nothing()
    )


def close_incidents(
    connection: sa.Connection,
    integration_id: int,
    ended: str,
    now: datetime,
    kinds: Collection[str] = INCIDENT_KINDS,
) -> None:
    """Write down that the open incidents of ``kinds`` are over.

    People hear of the end when they heard of the beginning, unless it is ``MOOT``.
    """
    heard = Incident.announced_at.is_not(None)
    told = sa.case((heard, "end"), else_=None) if ended != MOOT else sa.null()
    connection.execute(
        sa.update(Incident)
        .where(
            Incident.integration_id == integration_id,
            Incident.kind.in_(kinds),
            Incident.closed_at.is_(None),
        )
        .values(closed_at=now, ended=ended, announce=told)
    )


def run_ended(connection: sa.Connection, run_id: int, now: datetime) -> None:
    """What the end of a run begins and ends: call it in the transaction that writes the end."""
    row = connection.execute(
        sa.select(
            SyncRun.state,
            SyncRun.message,
            SyncRun.preview,
            SyncRun.trigger,
            SyncRun.contract_id,
            SyncRun.integration_id,
            Integration.connection,
            UserSync.failures,
            sa.exists()
            .where(Incident.integration_id == SyncRun.integration_id, Incident.closed_at.is_(None))
            .correlate(SyncRun)
            .label("something_open"),
            _succeeded_before(run_id).label("succeeded_before"),
        )
        .join(Integration, Integration.id == SyncRun.integration_id)
        .join(UserSync, UserSync.integration_id == Integration.id)
        .where(SyncRun.id == run_id)
    ).one()

    def begin(kind: str) -> None:
        open_incident(
            connection,
            kind,
            contract_id=row.contract_id,
            integration_id=row.integration_id,
            now=now,
            message=row.message or "",
            run_id=run_id,
        )

    if row.trigger == "undo":
        return
    if row.state == "failed" and row.connection == "broken":
        begin("broken")
    elif row.preview:
        return
    elif row.state in SUCCESS_STATES:
        if row.something_open:
            close_incidents(
                connection, row.integration_id, RECOVERED, now, kinds=("held", "overdue", "quarantine")
            )
        if not row.succeeded_before:
            begin("first_import")
    elif row.state == "held":
        begin("held")
        connection.execute(  # it is the newest that is to be decided about
            sa.update(Incident)
            .where(
                Incident.integration_id == row.integration_id,
                Incident.kind == "held",
                Incident.closed_at.is_(None),
            )
            .values(run_id=run_id)
        )
    elif row.state == "failed" and row.failures >= QUARANTINED_FROM:
        begin("quarantine")


def open_overdue(session: Session, now: datetime, *, feature: str) -> int:
    """Open an incident for each sync that is overdue (:func:`webapp.sync.schedule.health.freshness`); how many.

    Not while another incident of the integration is open: that one is the cause, and people know of it.
    Call inside a write transaction.
    """
    since = now - OVERDUE_AFTER
    rows = session.execute(
        sa.select(Integration.id, Integration.contract_id)
        .join(UserSync, UserSync.integration_id == Integration.id)
        .join(
            ContractFeature,
            sa.and_(
                ContractFeature.contract_id == Integration.contract_id, ContractFeature.feature == feature
            ),
        )
        .where(
            UserSync.enabled,
            Integration.connection == "connected",
            UserSync.paused_at.is_(None),
            sa.or_(UserSync.resumed_at.is_(None), UserSync.resumed_at < since),
            UserSync.enabled_at < since,
            sa.or_(UserSync.last_success_at.is_(None), UserSync.last_success_at < since),
            ~sa.exists().where(Incident.integration_id == Integration.id, Incident.closed_at.is_(None)),
        )
        .order_by(Integration.id)
        .limit(OVERDUE_AT_ONCE)
    ).all()
    for integration_id, contract_id in rows:
        open_incident(
            session.connection(), "overdue", contract_id=contract_id, integration_id=integration_id, now=now
        )
    return len(rows)


_EARLIER = aliased(SyncRun)  # once: making an alias takes longer than the question


def _succeeded_before(run_id: int) -> sa.Exists:
    """Whether an earlier run of the same integration succeeded."""
    return (
        sa.exists()
        .where(
            _EARLIER.integration_id == SyncRun.integration_id,
            _EARLIER.id < run_id,
            ~_EARLIER.preview,
            _EARLIER.state.in_(SUCCESS_STATES),
        )
        .correlate(SyncRun)
    )
