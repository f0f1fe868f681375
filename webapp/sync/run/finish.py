"""How an attempt ends: counters, what the settings remember, the end of the run, and who hears of it."""

from __future__ import annotations

import logging
from typing import Any

import sqlalchemy as sa

from webapp.core.database import writing
from webapp.core.models import Integration, Person, SyncRun, UserSync, utcnow
from webapp.platforms.base import Listing
from webapp.sync.plan import columns, safeguard
from webapp.sync.plan.types import Kind, Plan
from webapp.sync.run import outcome, preview, proposal
from webapp.sync.run.context import Attempt
from webapp.sync.run.lease import Lease, renew
from webapp.sync.schedule import incidents, schedule, webhook_events

log = logging.getLogger(__name__)


def finish(work: Attempt, listing: Listing, plan: Plan) -> None:
    """Counters, left-out entries, settings' memory and the end of the run, in one transaction."""
    left_out = plan.count(Kind.LEAVE_OUT) + len(listing.left_out)
    conflicts = plan.count(Kind.CONFLICT)
    seen = _columns_seen(work, listing)
    now = utcnow()
    with writing(), work.engine.begin() as connection:
        lock_settings(connection, work.integration.id)
        renew(connection, work.lease, {"stage": "finish"})
        proposal.write_left_out(connection, work.lease.run_id, listing)
        row = (
            connection.execute(
                sa.select(
                    SyncRun.imported, SyncRun.linked, SyncRun.renamed, SyncRun.missing, SyncRun.returned
                ).where(SyncRun.id == work.lease.run_id)
            )
            .mappings()
            .one()
        )
        ended = outcome.finished(
            found=listing.found,
            counts=dict(row),
            left_out=left_out,
            conflicts=conflicts,
            reasons=reasons_of(plan, listing),
            people_word=work.people_word,
        )
        work.event("Finished", ended.message, "ok" if ended.state == "completed" else "warn")
        memory: dict[str, Any] = {"last_success_at": now, "failures": 0, "last_found": listing.found}
        touched = row["imported"] + row["linked"] + row["renamed"]
        if touched:
            memory |= {"last_imported_at": now, "last_imported": touched}
        if touched or any(step.kind is Kind.REFRESH for step in plan.steps):
            memory["doubles_wanted_at"] = now
        if seen is not None:
            memory |= {"columns_seen": seen, "columns_seen_at": now}
        if listing.user_types:
            memory["types_seen"] = [{"key": one.key, "label": one.label} for one in listing.user_types]
        connection.execute(
            sa.update(UserSync).where(UserSync.integration_id == work.integration.id).values(memory)
        )
        _write_end(connection, work.lease, work, ended)
    log.info("run %s: %s: %s", work.lease.run_id, ended.state, ended.message)


def finish_preview(
    work: Attempt, listing: Listing, plan: Plan, saved: Plan | None, held: safeguard.Held | None
) -> None:
    """The lines and counters that a run would have; nothing is applied and no setting remembers it."""
    work.stage("finish", reasons=reasons_of(plan, listing))
    others = preview.differences(plan, saved) if saved else {}
    proposal.write(work.engine, work.lease, plan, listing, work.batches, others)
    ended = outcome.previewed(
        found=listing.found,
        counts=preview.counts(plan),
        left_out=plan.count(Kind.LEAVE_OUT) + len(listing.left_out),
        conflicts=plan.count(Kind.CONFLICT),
        reasons=reasons_of(plan, listing),
        people_word=work.people_word,
        held=held,
        saved=preview.saved_counts(saved, listing) if saved else None,
        fingerprint=preview.fingerprint(plan),
    )
    work.event("Previewed", ended.message, "ok" if ended.state == "completed" else "warn")
    with writing(), work.engine.begin() as connection:
        lock_settings(connection, work.integration.id)
        _write_end(connection, work.lease, work, ended)
    log.info("run %s: preview: %s", work.lease.run_id, ended.message)


def reasons_of(plan: Plan, listing: Listing) -> dict[str, int]:
    reasons = plan.reasons()
    for entry in listing.left_out:
        reasons[entry.reason] += 1
    return dict(sorted(reasons.items()))


def _columns_seen(work: Attempt, listing: Listing) -> list[dict[str, Any]] | None:
    """The identifier columns as they are now; ``None`` when nothing about them can have changed."""
    if not listing.people:
        return None
    if not listing.same:
        return columns.describe(person.columns for person in listing.people)
    with work.engine.connect() as connection:
        rows = connection.execution_options(yield_per=5000).execute(
            sa.select(Person.attributes).where(
                Person.integration_id == work.integration.id, Person.missing_since.is_(None)
            )
        )
        return columns.describe(attributes.get("columns", {}) for (attributes,) in rows)


def end(engine: sa.Engine, lease: Lease, work: Attempt | None, ended: outcome.Ending) -> None:
    """Write how the run ended, unless it is no longer ours."""
    if work is not None:
        work.event(ended.title, ended.message, ended.kind)
    with writing(), engine.begin() as connection:
        if work is not None:
            lock_settings(connection, work.integration.id)
        _write_end(connection, lease, work, ended)


def lock_settings(connection: sa.Connection, integration_id: int) -> None:
    """Lock the integration and its settings before the run, as everybody does: no two can wait in a ring."""
    connection.execute(
        sa.select(Integration.id).where(Integration.id == integration_id).with_for_update(key_share=True)
    )
    connection.execute(
        sa.select(UserSync.integration_id).where(UserSync.integration_id == integration_id).with_for_update()
    )


def _write_end(connection: sa.Connection, lease: Lease, work: Attempt | None, ended: outcome.Ending) -> None:
    now = utcnow()
    values: dict[str, Any] = {
        "state": ended.state,
        "message": ended.message,
        "finished_at": now,
        "lease_expires_at": None,
    }
    values |= ended.values
    if work is not None:
        values["timeline"] = work.timeline
    updated = connection.execute(
        sa.update(SyncRun)
        .where(SyncRun.id == lease.run_id, SyncRun.fence == lease.fence, SyncRun.state == "running")
        .values(values)
    )
    if updated.rowcount != 1:
        log.warning("run %s: ended elsewhere meanwhile", lease.run_id)
        return
    if work is not None:
        work.write_calls(connection)
        if ended.breaks_connection:  # unless somebody has connected it anew meanwhile
            connection.execute(
                sa.update(Integration)
                .where(
                    Integration.id == work.integration.id,
                    Integration.connection == "connected",
                    Integration.connected_at == work.connected_at,
                )
                .values(
                    connection="broken", connection_message=ended.message[:500], connection_changed_at=now
                )
            )
        if not work.preview:
            proposal.supersede(connection, work.integration.id, lease.run_id, ended.state, now)
        if ended.passing and not work.preview:
            schedule.try_again_soon(connection, work.integration.id, now)
    incidents.run_ended(connection, lease.run_id, now)
    webhook_events.run_ended(connection, lease.run_id, now)
