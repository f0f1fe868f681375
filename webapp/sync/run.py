"""One run from claim to end: connect, fetch, match, apply, finish.

Every step may be repeated: a run whose worker died is claimed again as a later attempt, plans from what is
stored by then, and ends with the same rows and counters as if nothing had happened.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from webapp.connectors.base import Call, Connector, ConnectorError, Listing
from webapp.database import writing
from webapp.models import (
    Integration,
    Person,
    SyncRequest,
    SyncRun,
    UserSync,
    utcnow,
)
from webapp.sync import (
    columns,
    events,
    incidents,
    outcome,
    preview,
    proposal,
    safeguard,
    schedule,
    store,
)
from webapp.sync.apply import Outdated, Target, apply_plan
from webapp.sync.batches import Batches
from webapp.sync.lease import CancelRequested, Lease, LeaseLost, claim, kept_alive, renew
from webapp.sync.planning import check_account, prepare, without_settled
from webapp.sync.rules import salt_of
from webapp.sync.terms import IdentifierAbsent, Kind, Plan
from webapp.sync.what_if import WhatIf, save_tried, what_if_of

log = logging.getLogger(__name__)

REPLANS = 5

BuildConnector = Callable[[Integration, Callable[[Call], None]], Connector]


class NotRunnable(Exception):
    """The run may not go ahead any more (disconnected, the feature switched off); the text says why."""


@dataclass
class _Work:
    """What one attempt carries along."""

    engine: sa.Engine
    lease: Lease
    integration: Integration
    saved: UserSync
    what_if: WhatIf
    approved: safeguard.Held | None
    shown: safeguard.Shown | None
    proposed: bool
    batches: Batches
    people_word: str
    platform_label: str
    connected_at: datetime | None
    preview: bool
    expects: str | None
    imported_before: int
    timeline: list[dict[str, Any]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    @property
    def settings(self) -> UserSync:
        """The saved settings, or those that are tried instead."""
        return self.what_if.over(self.saved)

    def target(self, memory: store.Memory) -> Target:
        return Target(self.integration.contract_id, self.integration.id, memory.link_changes)

    def event(self, title: str, text: str = "", kind: str = "ok") -> None:
        self.timeline.append({"at": utcnow().isoformat(), "title": title, "text": text, "kind": kind})

    def stage(self, stage: str, **values: Any) -> None:
        """Enter a stage: progress, timeline and calls so far become visible, the lease is renewed."""
        with writing(), self.engine.begin() as connection:
            renew(connection, self.lease, {"stage": stage, "timeline": self.timeline} | values)
            self.write_calls(connection)

    def write_calls(self, connection: sa.Connection) -> None:
        if self.calls:
            connection.execute(
                sa.insert(SyncRequest),
                [
                    {
                        "run_id": self.lease.run_id,
                        "at": call.at,
                        "method": call.method,
                        "path": call.path[:500],
                        "status": call.status,
                        "milliseconds": call.milliseconds,
                        "note": call.note,
                    }
                    for call in self.calls
                ],
            )
            self.calls.clear()


@dataclass(frozen=True)
class Ingredients:
    """What a run needs from outside: where the run is read from and how a connector is made for it.

    ``load`` gives the integration, its settings, the run, and the platform's word for people and its label.
    """

    engine: sa.Engine
    load: Callable[[int], tuple[Integration, UserSync, SyncRun, str, str]]
    connector: BuildConnector
    lease: timedelta
    batches: Batches


def run_sync(run_id: int, attempt: int, use: Ingredients) -> None:
    """Carry out one attempt of a run. Harmless when it is not there to be taken any more."""
    lease = claim(use.engine, run_id, attempt, use.lease)
    if lease is None:
        log.info("run %s attempt %s is not there to be taken", run_id, attempt)
        return
    log.info("run %s attempt %s: started", run_id, attempt)
    work: _Work | None = None
    try:
        integration, settings, run, people_word, platform_label = use.load(run_id)
        work = _Work(
            use.engine,
            lease,
            integration,
            settings,
            what_if_of(run.what_if),
            safeguard.held_from(run.hold) if run.approved else None,
            safeguard.shown_from(run.shown) if run.approved else None,
            run.proposed,
            use.batches,
            people_word,
            platform_label,
            integration.connected_at,
            run.preview,
            run.expects,
            run.imported,
            list(run.timeline or []),
        )
        if run.interruptions:
            work.event("Taken up again", "The worker before stopped in the middle; nothing was lost.", "warn")
        _carry_out(work, use)
    except LeaseLost:
        log.warning(
            "run %s attempt %s: another worker took over, nothing more is written here", run_id, attempt
        )
    except CancelRequested:
        _end(use.engine, lease, work, outcome.cancelled())
    except NotRunnable as reason:
        _end(use.engine, lease, work, outcome.not_runnable(str(reason), applied=_applied(use.engine, run_id)))
    except IdentifierAbsent as error:
        applied = _applied(use.engine, run_id)
        _end(use.engine, lease, work, outcome.identifier_absent(error.column, error.columns, applied=applied))
    except ConnectorError as error:
        log.warning("run %s: %s: %s", run_id, type(error).__name__, error)
        _end(use.engine, lease, work, outcome.connector_failed(error, applied=_applied(use.engine, run_id)))
    except Exception:
        reference = f"RUN-{run_id}-{attempt}"
        log.exception("run %s attempt %s failed (%s)", run_id, attempt, reference)
        _end(use.engine, lease, work, outcome.unexpected(reference))
        raise


def _carry_out(work: _Work, use: Ingredients) -> None:
    integration = work.integration
    work.event("Started")
    connector = use.connector(integration, work.calls.append)
    with kept_alive(work.engine, work.lease):
        account = connector.account()
    check_account(account, integration)
    work.event("Connection checked", f"It opens {account.name}.")

    work.stage("fetch")
    started = time.monotonic()
    with work.engine.connect() as connection:
        salt = salt_of(connection, work.settings, work.what_if.excluded_emails)
    with kept_alive(work.engine, work.lease), store.remembering(work.engine, integration.id) as remembered:
        listing = connector.people(lambda: remembered().settled, salt)
        memory = remembered()
    work.event(
        f"{work.people_word.capitalize()} fetched", f"{listing.found:,} in {time.monotonic() - started:.1f} s"
    )

    work.stage("match", found=listing.found, total=listing.found)
    plan = _plan(work, listing, memory, work.settings, work.what_if.excluded_emails)
    people = _touched(plan)
    held = _safeguard(work, listing, memory, plan)
    if work.preview:
        saved = _saved_plan(work, listing, memory, salt) if work.what_if else None
        _finish_preview(work, listing, plan, saved, held)
        return
    if work.expects is not None and preview.fingerprint(plan) != work.expects:
        _end(work.engine, work.lease, work, outcome.not_as_previewed())
        return
    approved = work.approved
    if held is not None and approved and safeguard.still_covers(approved, work.shown, held, people):
        work.event(
            "Approved", "Past the limits, nobody is concerned who was not shown when the run was approved."
        )
        held = None
    if held is not None:
        proposal.write(work.engine, work.lease, plan, listing, work.batches.least)
        ended = outcome.held(
            held,
            people,
            work.people_word,
            again=approved is not None,
            applied=_applied(work.engine, work.lease.run_id),
        )
        _end(work.engine, work.lease, work, ended)
        return
    work.event("People matched", f"{listing.found - len(plan.steps) - len(listing.left_out):,} need nothing")

    _begin_applying(work, total=len(plan.steps), reasons=_reasons(plan, listing))
    for _ in range(REPLANS):
        try:
            apply_plan(work.engine, work.lease, work.target(memory), plan, work.batches)
            break
        except Outdated:
            log.info("run %s: users changed here meanwhile, planning again", work.lease.run_id)
            with work.engine.connect() as connection:
                memory = store.remember(connection, integration.id)
            plan = _plan(work, without_settled(listing, memory), memory, work.settings)
    else:
        raise RuntimeError(f"users kept changing here; gave up after planning {REPLANS} times")
    _finish(work, listing, plan)


def _applied(engine: sa.Engine, run_id: int) -> bool:
    """Whether an attempt before this one had written a part of its plan."""
    written = SyncRun.imported + SyncRun.linked + SyncRun.renamed + SyncRun.missing + SyncRun.returned
    with engine.connect() as connection:
        return bool(connection.scalar(sa.select(written > 0).where(SyncRun.id == run_id)))


def _begin_applying(work: _Work, **values: Any) -> None:
    """From here on lines say what was done. Settings that were tried are saved, in the same transaction.

    What a preview showed was checked by now; a later attempt, which finds a part of it done, goes on.
    """
    if work.what_if:
        work.event("Settings saved", "The list is as it was in the preview.")
    with writing(), work.engine.begin() as connection:
        _lock(connection, work.integration.id)
        stage = {"stage": "apply", "done": 0, "expects": None, "what_if": None, "timeline": work.timeline}
        renew(connection, work.lease, stage | values)
        work.write_calls(connection)
        if work.proposed:
            proposal.clear(connection, work.lease.run_id)
        if work.what_if:
            save_tried(connection, work.lease.run_id, work.what_if, work.platform_label)


def _saved_plan(work: _Work, listing: Listing, memory: store.Memory, salt: bytes) -> Plan | None:
    """What the saved settings would do; ``None`` when those that are tried are the same, or they cannot work."""
    with work.engine.connect() as connection:
        if salt_of(connection, work.saved) == salt:
            return None
    try:
        return _plan(work, listing, memory, work.saved)
    except IdentifierAbsent:
        return None


def _plan(
    work: _Work, listing: Listing, memory: store.Memory, settings: UserSync, tried: Sequence[str] = ()
) -> Plan:
    with kept_alive(work.engine, work.lease):
        return prepare(
            work.engine, work.integration.contract_id, settings, listing, memory, work.people_word, tried
        ).plan


def _safeguard(work: _Work, listing: Listing, memory: store.Memory, plan: Plan) -> safeguard.Held | None:
    """Whether the whole plan is too much. Who came in an earlier attempt of this run was not here before it."""
    saved = work.saved
    return safeguard.judge(
        known=memory.listed,
        found=len(listing.same) + len(listing.people),  # entries that are no people do not make a list
        gone_names=[step.name for step in plan.steps if step.kind is Kind.MISSING],
        linked=max(0, memory.linked - work.imported_before) if saved.last_success_at is not None else 0,
        new_names=[step.name for step in plan.steps if step.kind is Kind.IMPORT],
        limits=safeguard.Limits(
            saved.shrink_percent, saved.shrink_people, saved.growth_percent, saved.growth_people
        ),
    )


def _touched(plan: Plan) -> safeguard.Shown:
    """Whom the safeguard judges, by remote ID."""
    return safeguard.Shown(
        [step.remote_id for step in plan.steps if step.kind is Kind.MISSING],
        [step.remote_id for step in plan.steps if step.kind is Kind.IMPORT],
    )


def _reasons(plan: Plan, listing: Listing) -> dict[str, int]:
    reasons = plan.reasons()
    for entry in listing.left_out:
        reasons[entry.reason] += 1
    return dict(sorted(reasons.items()))


def _finish(work: _Work, listing: Listing, plan: Plan) -> None:
    """Counters, left-out entries, settings' memory and the end of the run, in one transaction."""
    left_out = plan.count(Kind.LEAVE_OUT) + len(listing.left_out)
    conflicts = plan.count(Kind.CONFLICT)
    seen = _columns_seen(work, listing)
    now = utcnow()
    with writing(), work.engine.begin() as connection:
        _lock(connection, work.integration.id)
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
            reasons=_reasons(plan, listing),
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


def _finish_preview(
    work: _Work, listing: Listing, plan: Plan, saved: Plan | None, held: safeguard.Held | None
) -> None:
    """The lines and counters that a run would have; nothing is applied and no setting remembers it."""
    work.stage("finish", reasons=_reasons(plan, listing))
    others = preview.differences(plan, saved) if saved else {}
    proposal.write(work.engine, work.lease, plan, listing, work.batches.least, others)
    ended = outcome.previewed(
        found=listing.found,
        counts=preview.counts(plan),
        left_out=plan.count(Kind.LEAVE_OUT) + len(listing.left_out),
        conflicts=plan.count(Kind.CONFLICT),
        reasons=_reasons(plan, listing),
        people_word=work.people_word,
        held=held,
        saved=preview.saved_counts(saved, listing) if saved else None,
        fingerprint=preview.fingerprint(plan),
    )
    work.event("Previewed", ended.message, "ok" if ended.state == "completed" else "warn")
    with writing(), work.engine.begin() as connection:
        _lock(connection, work.integration.id)
        _write_end(connection, work.lease, work, ended)
    log.info("run %s: preview: %s", work.lease.run_id, ended.message)


def _columns_seen(work: _Work, listing: Listing) -> list[dict[str, Any]] | None:
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


def _end(engine: sa.Engine, lease: Lease, work: _Work | None, ended: outcome.Ending) -> None:
    """Write how the run ended, unless it is no longer ours."""
    if work is not None:
        work.event(ended.title, ended.message, ended.kind)
    with writing(), engine.begin() as connection:
        if work is not None:
            _lock(connection, work.integration.id)
        _write_end(connection, lease, work, ended)


def _lock(connection: sa.Connection, integration_id: int) -> None:
    """Lock the integration and its settings before the run, as everybody does: no two can wait in a ring."""
    connection.execute(
        sa.select(Integration.id).where(Integration.id == integration_id).with_for_update(key_share=True)
    )
    connection.execute(
        sa.select(UserSync.integration_id).where(UserSync.integration_id == integration_id).with_for_update()
    )


def _write_end(connection: sa.Connection, lease: Lease, work: _Work | None, ended: outcome.Ending) -> None:
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
    events.run_ended(connection, lease.run_id, now)
