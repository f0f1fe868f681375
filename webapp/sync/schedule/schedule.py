"""When runs happen. The database decides; this module is the only one that makes runs.

``tick`` is called every half minute and may be called by several schedulers at once. Whatever it decides is
committed before anything is put into the queue, so that an emptied queue loses nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.bulk_rows import listed, update_column
from webapp.core.clock import has_come
from webapp.core.database import insert_into, rows_changed
from webapp.core.models import ContractFeature, Integration, SyncRun, UserSync, table_of
from webapp.core.models.sync import LIVE_STATES
from webapp.sync.run import preview
from webapp.sync.run.lease import LONGEST_LEASE
from webapp.sync.run.outcome import abandoned
from webapp.sync.schedule import incidents, webhook_events
from webapp.sync.schedule.health import FIRST_WITHIN

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
CLOCK_MARGIN = timedelta(minutes=5)
FIRST_RETRY = timedelta(minutes=10)  # after a failed first import, within the hour that is promised for it
RETRIES = (timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2))  # after so many failures in a row
SPREAD = 300  # seconds: neighbouring integrations are set this far apart at most


@dataclass(frozen=True)
class Requester:
    """Who asks for a run: an account, or a name without one (a command)."""

    account_id: int | None
    name: str


@dataclass(frozen=True)
class Requested:
    """The run that answers a request, and whether it was there already."""

    run: SyncRun
    joined: bool


@dataclass(frozen=True)
class Ticked:
    """What one tick did: runs made because they were due, taken back from dead workers, given up."""

    due: int
    taken_back: int
    given_up: int


def next_slot(due: datetime, now: datetime, every: timedelta) -> datetime:
    """The first moment after ``now`` that lies a whole number of ``every`` after ``due``."""
    if due > now:
        return due
    return due + every * ((now - due) // every + 1)


def first_slot(now: datetime, integration_id: int, every: timedelta) -> datetime:
    """``every`` from ``now``, a little earlier by an amount that differs between integrations."""
    return now + every - timedelta(seconds=integration_id * 37 % SPREAD)


def request_run(
    session: Session,
    integration: Integration,
    trigger: str,
    by: Requester | None,
    now: datetime,
    *,
    expects: str | None = None,
) -> Requested:
    """A queued run for ``integration``, or the live one it already has. Call inside a write transaction.

    A live run that was asked to stop a moment ago goes on: somebody wants it again. A live undo is answered with
    as well; the schedule makes the run as soon as that has ended. With ``expects`` the run applies nothing unless
    its plan has that fingerprint.
    """
    live = live_run(session, integration.id, lock=True)
    if live is not None and live.trigger == "undo":
        _bring_forward(session.connection(), UserSync.integration_id == integration.id, now)
        return Requested(live, joined=True)
    if live is not None:
        live.cancel_requested_at = live.cancel_requested_by = None
        if live.state == "queued":
            live.waits_for = live.not_before = None  # whoever asks does not want to wait for the pause
        return Requested(live, joined=True)
    inserted = session.execute(
        insert_into(session, table_of(SyncRun))
        .values(_new_run(integration.contract_id, integration.id, trigger, by, now) | {"expects": expects})
        .on_conflict_do_nothing()
        .returning(SyncRun.id)
    ).scalar()
    if inserted is None:  # another request came first, in the same instant
        live = live_run(session, integration.id)
        if live is None:
            raise RuntimeError(
                f"integration {integration.id} has no live run although one was refused for it"
            )
        return Requested(live, joined=True)
    return Requested(session.get_one(SyncRun, inserted), joined=False)


def request_preview(
    session: Session, integration: Integration, by: Requester, now: datetime, what_if: dict[str, Any]
) -> SyncRun:
    """A queued preview, in place of one that is being made. Call inside a write transaction."""
    preview.end_live(session, integration.id, now)
    run = SyncRun(
        **_new_run(integration.contract_id, integration.id, "manual", by, now),
        preview=True,
        what_if=what_if or None,
    )
    session.add(run)
    session.flush()
    return run


def request_undo(session: Session, run: SyncRun, by: Requester, now: datetime) -> SyncRun | None:
    """A queued undo of ``run``; ``None`` while the integration has a live run. Call inside a write transaction."""
    if live_run(session, run.integration_id, lock=True) is not None:
        return None
    undo = SyncRun(**_new_run(run.contract_id, run.integration_id, "undo", by, now), undoes_id=run.id)
    session.add(undo)
    session.flush()
    return undo


def live_run(session: Session, integration_id: int, *, lock: bool = False) -> SyncRun | None:
    """The queued or running run of an integration; with ``lock`` it stays so until the transaction ends."""
    statement = sa.select(SyncRun).where(
        SyncRun.integration_id == integration_id, SyncRun.state.in_(LIVE_STATES), ~SyncRun.preview
    )
    if lock:
        statement = statement.with_for_update()
    return session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def end_live_run(session: Session, integration_id: int, message: str, now: datetime) -> None:
    """End the live run of an integration, if any, at once: its worker may not write another line.

    An undo is not begun anew by the schedule, so its ``message`` says who has to.
    """
    unfinished = f"{message} Undo the run again to take back the rest."
    rows_changed(
        session,
        sa.update(SyncRun)
        .where(SyncRun.integration_id == integration_id, SyncRun.state.in_(LIVE_STATES))
        .values(
            state="cancelled",
            message=sa.case((SyncRun.trigger == "undo", unfinished), else_=message),
            finished_at=now,
            lease_expires_at=None,
        ),
    )


def try_again_soon(connection: sa.Connection, integration_id: int, now: datetime) -> None:
    """Count a failure that may pass, and bring the next run forward.

    A first import, which is promised within the hour, is tried again after ten minutes; anything else after
    :data:`RETRIES`, each longer than the one before, and then every six hours as planned.
    """
    failures = connection.scalar(
        sa.update(UserSync)
        .where(UserSync.integration_id == integration_id)
        .values(failures=UserSync.failures + 1)
        .returning(UserSync.failures)
    )
    mine = sa.and_(UserSync.integration_id == integration_id, UserSync.enabled)
    first = sa.and_(
        mine,
        UserSync.enabled_at > now - FIRST_WITHIN,
        sa.or_(UserSync.last_success_at.is_(None), UserSync.last_success_at < UserSync.enabled_at),
    )
    _bring_forward(connection, first, now + FIRST_RETRY)
    if failures is not None and failures <= len(RETRIES):
        _bring_forward(connection, mine, now + RETRIES[failures - 1])


def _bring_forward(connection: sa.Connection, which: sa.ColumnElement[bool], moment: datetime) -> None:
    connection.execute(
        sa.update(UserSync).where(which, UserSync.next_run_at > moment).values(next_run_at=moment)
    )


def tick(
    session: Session, now: datetime, *, feature: str, every: timedelta, lease: timedelta = LONGEST_LEASE
) -> Ticked:
    """Take runs back from dead workers and make the runs that are due. Call inside a write transaction.

    ``now`` is by the clock that leases go by (:mod:`webapp.core.clock`), ``lease`` how long one is.

    Due is what is enabled, not paused, connected, of a contract with ``feature`` on, and past its time. A run that
    is live already answers for the one that is due; a live undo does not, so that waits until it has ended.
    """
    given_up, taken_back = _recover(session, now, lease)
    _pull_in(session, now, every)
    due = session.execute(
        sa.select(UserSync.integration_id, UserSync.next_run_at)
        .join(Integration, Integration.id == UserSync.integration_id)
        .join(
            ContractFeature,
            sa.and_(
                ContractFeature.contract_id == Integration.contract_id, ContractFeature.feature == feature
            ),
        )
        .where(
            UserSync.enabled,
            UserSync.paused_at.is_(None),
            UserSync.next_run_at <= now,
            Integration.connection == "connected",
            ~sa.exists().where(
                SyncRun.integration_id == UserSync.integration_id,
                SyncRun.state.in_(LIVE_STATES),
                SyncRun.trigger == "undo",
            ),
        )
        .order_by(UserSync.next_run_at)
        .with_for_update(of=UserSync, skip_locked=True)
    ).all()
    if due:
        _make_runs(session, [row.integration_id for row in due], now)
        update_column(
            session.connection(),
            table_of(UserSync).c.integration_id,
            table_of(UserSync).c.next_run_at,
            [(row.integration_id, next_slot(row.next_run_at, now, every)) for row in due],
        )
    return Ticked(len(due), taken_back, given_up)


def _make_runs(session: Session, integration_ids: Sequence[int], now: datetime) -> None:
    """A queued run for each, unless it has a live one: one statement however many there are."""
    values = _new_run_values("schedule", None, now)
    runs = table_of(SyncRun)
    session.execute(
        insert_into(session, runs)
        .from_select(
            ["contract_id", "integration_id", *values],
            sa.select(
                Integration.contract_id,
                Integration.id,
                *(sa.literal(value, runs.c[name].type) for name, value in values.items()),
            ).where(Integration.id.in_(listed(session.connection(), integration_ids))),
        )
        .on_conflict_do_nothing()
    )


def _pull_in(session: Session, now: datetime, every: timedelta) -> None:
    """Runs that are due further ahead than is possible are due now: the clock was ahead when that was written."""
    rows_changed(
        session,
        sa.update(UserSync)
        .where(UserSync.enabled, UserSync.next_run_at > now + every + CLOCK_MARGIN)
        .values(next_run_at=now),
    )


def _recover(session: Session, now: datetime, lease: timedelta) -> tuple[int, int]:
    """Runs whose lease ran out: queued again as the next attempt, failed after the last."""
    dead = sa.and_(SyncRun.state == "running", has_come(SyncRun.lease_expires_at, now, 2 * lease))
    often = sa.and_(dead, SyncRun.interruptions >= MAX_ATTEMPTS - 1)
    session.execute(  # the settings before the run, as everybody locks them
        sa.select(UserSync.integration_id)
        .where(UserSync.integration_id.in_(sa.select(SyncRun.integration_id).where(often)))
        .order_by(UserSync.integration_id)
        .with_for_update()
    )
    ended = abandoned(MAX_ATTEMPTS)
    lost = session.execute(
        sa.update(SyncRun)
        .where(often)
        .values(
            state=ended.state, message=ended.message, finished_at=now, lease_expires_at=None, **ended.values
        )
        .returning(SyncRun.id, SyncRun.integration_id, SyncRun.preview, SyncRun.trigger)
        .execution_options(synchronize_session=False)
    ).all()
    for run in lost:
        if not run.preview and run.trigger != "undo":
            try_again_soon(session.connection(), run.integration_id, now)
        incidents.run_ended(session.connection(), run.id, now)
        webhook_events.run_ended(session.connection(), run.id, now)
    given_up = len(lost)
    taken_back = rows_changed(
        session,
        sa.update(SyncRun)
        .where(dead)
        .values(
            state="queued",
            attempt=SyncRun.attempt + 1,
            interruptions=SyncRun.interruptions + 1,
            lease_expires_at=None,
            queued_at=now,
        ),
    )
    if taken_back or given_up:
        log.warning("taken back from dead workers: %s, given up: %s", taken_back, given_up)
    return given_up, taken_back


def _new_run(
    contract_id: int, integration_id: int, trigger: str, by: Requester | None, now: datetime
) -> dict[str, Any]:
    return {"contract_id": contract_id, "integration_id": integration_id} | _new_run_values(trigger, by, now)


def _new_run_values(trigger: str, by: Requester | None, now: datetime) -> dict[str, Any]:
    return {
        "trigger": trigger,
        "requested_by_id": by.account_id if by else None,
        "requested_by": by.name[:255] if by else None,
        "state": "queued",
        "queued_at": now,
    }
