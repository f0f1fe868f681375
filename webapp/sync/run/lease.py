"""The lease on a run: who may write for it, proven inside every transaction that writes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from webapp.core.clock import ahead
from webapp.core.database import writing
from webapp.core.models import SyncRun, utcnow

log = logging.getLogger(__name__)

LONGEST_LEASE = timedelta(minutes=10)  # that can be set


class LeaseLost(Exception):
    """Another worker holds the run now, or it is over; nothing more may be written for it."""


class CancelRequested(Exception):
    """Someone asked for the run to stop; it stops between two batches."""


@dataclass(frozen=True)
class Lease:
    """The right to write for one run: its id and the fence that the claim gave."""

    run_id: int
    fence: int
    length: timedelta


def claim(engine: sa.Engine, run_id: int, attempt: int, length: timedelta) -> Lease | None:
    """Take the queued ``attempt`` of a run. ``None`` when there is nothing to take: done, taken or newer."""
    now = utcnow()
    with writing(), engine.begin() as connection:
        fence = connection.scalar(
            sa.update(SyncRun)
            .where(SyncRun.id == run_id, SyncRun.attempt == attempt, SyncRun.state == "queued")
            .values(
                state="running",
                stage="connect",
                fence=SyncRun.fence + 1,
                lease_expires_at=ahead(connection, length),
                waits_for=None,
                not_before=None,
                started_at=sa.func.coalesce(SyncRun.started_at, now),
                done=0,
                total=None,
            )
            .returning(SyncRun.fence)
        )
    return None if fence is None else Lease(run_id, fence, length)


def renew(connection: sa.Connection, lease: Lease, values: dict[str, Any] | None = None) -> None:
    """Prolong the lease and write ``values`` to the run, in the caller's transaction.

    Raises :class:`LeaseLost`, or :class:`CancelRequested` when the run is asked to stop.
    """
    if _prolong(connection, lease, values or {}) is not None:
        raise CancelRequested


def _prolong(connection: sa.Connection, lease: Lease, values: dict[str, Any]) -> datetime | None:
    """Prolong the lease; when the run was asked to stop, if it was. Raises :class:`LeaseLost`."""
    row = connection.execute(
        sa.update(SyncRun)
        .where(SyncRun.id == lease.run_id, SyncRun.fence == lease.fence, SyncRun.state == "running")
        .values({"lease_expires_at": ahead(connection, lease.length)} | values)
        .returning(SyncRun.cancel_requested_at)
    ).one_or_none()
    if row is None:
        raise LeaseLost(f"run {lease.run_id} is no longer ours")
    asked: datetime | None = row.cancel_requested_at
    return asked


@contextmanager
def kept_alive(engine: sa.Engine, lease: Lease) -> Iterator[None]:
    """Renew the lease from a second thread while the block waits for the network or computes.

    Only for blocks that write nothing: batches renew it themselves. A run that was asked to stop keeps its
    lease as well, until the block ends and the next write finds out; nobody else is to take it up meanwhile.
    """

    def renewed() -> None:
        with writing(), engine.begin() as connection:
            _prolong(connection, lease, {})

    with kept(f"lease-{lease.run_id}", lease.length, renewed):
        yield


@contextmanager
def kept(name: str, length: timedelta, renewed: Callable[[], None]) -> Iterator[None]:
    """Call ``renewed`` four times in the ``length`` of a lease while the block lasts, from a thread called ``name``."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(length.total_seconds() / 4):
            try:
                renewed()
            except LeaseLost:
                return  # the block finds out at its own next write
            except sa.exc.SQLAlchemyError:
                log.exception("%s could not be renewed, trying again", name)

    thread = threading.Thread(target=beat, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
