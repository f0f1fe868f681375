"""What a run would do, written down for people to read: the lines of previews and of held runs.

They are lines of the run like any others, but the run's row says that nothing of them was applied.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import sqlalchemy as sa

from webapp.core.bulk_rows import insert_rows
from webapp.core.database import writing
from webapp.core.models import SyncChange, SyncRun, table_of
from webapp.core.models.sync import SUCCESS_STATES
from webapp.core.turns import let_others_in
from webapp.platforms.base import Listing
from webapp.sync.plan.types import Kind, Plan
from webapp.sync.run.apply import write_changes
from webapp.sync.run.batch_size import Batches
from webapp.sync.run.lease import Lease, renew


def write(
    engine: sa.Engine,
    lease: Lease,
    plan: Plan,
    listing: Listing,
    batches: Batches,
    saved: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """The lines of ``plan`` and of who was set aside, in place of those of an earlier attempt.

    Nothing is written when an earlier attempt has applied a part: what happened must stay readable as it did.
    """
    with writing(), engine.begin() as connection:
        renew(connection, lease, {"done": 0, "total": len(plan.steps)})
        if not _begin(connection, lease.run_id):
            return
    size, start = batches.first, 0
    while start < len(plan.steps):
        steps = plan.steps[start : start + size]
        began = time.monotonic()
        with writing(), engine.begin() as connection:
            renew(connection, lease, {"done": SyncRun.done + len(steps)})
            write_changes(connection, lease.run_id, steps, {}, saved=saved)
        start += len(steps)
        size = batches.after(size, time.monotonic() - began)
        let_others_in(engine)
    with writing(), engine.begin() as connection:
        renew(connection, lease)
        write_left_out(connection, lease.run_id, listing)


def _begin(connection: sa.Connection, run_id: int) -> bool:
    """Mark the run's lines as a proposal, without any yet; whether that could be done."""
    clear(connection, run_id)
    lines = sa.exists().where(SyncChange.run_id == run_id)
    marked = connection.execute(
        sa.update(SyncRun).where(SyncRun.id == run_id, ~lines).values(proposed=True)
    ).rowcount
    return marked == 1


def clear(connection: sa.Connection, run_id: int) -> None:
    """Forget what a run proposed, before it proposes anew or applies its plan."""
    proposal = sa.exists().where(SyncRun.id == SyncChange.run_id, SyncRun.proposed)
    connection.execute(sa.delete(SyncChange).where(SyncChange.run_id == run_id, proposal))
    connection.execute(
        sa.update(SyncRun).where(SyncRun.id == run_id, SyncRun.proposed).values(proposed=False)
    )


def write_left_out(connection: sa.Connection, run_id: int, listing: Listing) -> None:
    """A line for each entry that the platform's own rules set aside, unless an earlier attempt wrote it."""
    insert_rows(
        connection,
        table_of(SyncChange),
        ("remote_id", "person_name", "person_email", "reason"),
        [(entry.remote_id, entry.name, entry.email, entry.reason) for entry in listing.left_out],
        {"run_id": run_id, "kind": Kind.LEAVE_OUT.value},
        pass_over=("run_id", "remote_id", "kind"),
    )


def supersede(connection: sa.Connection, integration_id: int, run_id: int, state: str, now: datetime) -> None:
    """End the older held run once run ``run_id`` was held too, or went through: one decision waits at most.

    A run that failed or was stopped says nothing about the list, so the older one goes on waiting.
    """
    if state == "held":
        why = f"Replaced by run {run_id}, which was held after it. Nothing of this run was applied."
    elif state in SUCCESS_STATES:
        why = f"Run {run_id} went through since, so there is nothing left to decide. Nothing of this run was applied."
    else:
        return
    give_up_held(connection, integration_id, why, now, but=run_id)


def give_up_held(
    connection: sa.Connection, integration_id: int, why: str, now: datetime, *, but: int | None = None
) -> None:
    """End the run that waits for a decision, unless it is ``but``; ``why`` is a sentence."""
    held = sa.and_(SyncRun.integration_id == integration_id, SyncRun.state == "held")
    connection.execute(
        sa.update(SyncRun)
        .where(held, SyncRun.id != but if but is not None else sa.true())
        .values(state="cancelled", message=why, finished_at=now)
    )
