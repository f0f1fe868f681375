"""One run from claim to end: connect, fetch, match, apply, finish.

Every step may be repeated: a run whose worker died is claimed again as a later attempt, plans from what is
stored by then, and ends with the same rows and counters as if nothing had happened.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from webapp.connectors.base import BadResponse, Call, Connector, ConnectorError, Listing, WrongAccount
from webapp.database import writing
from webapp.models import (
    Integration,
    Person,
    SyncChange,
    SyncRequest,
    SyncRun,
    UserSync,
    table_of,
    utcnow,
)
from webapp.sync import columns, events, incidents, outcome, preview, safeguard, schedule, store
from webapp.sync.apply import Outdated, Target, apply_plan, write_changes
from webapp.sync.bulk import insert_rows
from webapp.sync.lease import CancelRequested, Lease, LeaseLost, claim, kept_alive, renew
from webapp.sync.plan import plan_sync
from webapp.sync.rules import rule_of, salt_of
from webapp.sync.terms import IdentifierAbsent, Kind, Plan

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
    settings: UserSync
    approved: safeguard.Held | None
    batch_size: int
    people_word: str
    connected_at: datetime | None
    preview: bool
    expects: str | None
    timeline: list[dict[str, Any]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    @property
    def target(self) -> Target:
        return Target(self.integration.contract_id, self.integration.id)

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
    """What a run needs from outside: where the run is read from and how a connector is made for it."""

    engine: sa.Engine
    load: Callable[[int], tuple[Integration, UserSync, SyncRun, str]]
    connector: BuildConnector
    lease: timedelta
    batch_size: int


def run_sync(run_id: int, attempt: int, use: Ingredients) -> None:
    """Carry out one attempt of a run. Harmless when it is not there to be taken any more."""
    lease = claim(use.engine, run_id, attempt, use.lease)
    if lease is None:
        log.info("run %s attempt %s is not there to be taken", run_id, attempt)
        return
    log.info("run %s attempt %s: started", run_id, attempt)
    work: _Work | None = None
    try:
        integration, settings, run, people_word = use.load(run_id)
        work = _Work(
            use.engine,
            lease,
            integration,
            preview.what_if_of(run.what_if).over(settings) if run.preview else settings,
            safeguard.held_from(run.hold) if run.approved else None,
            use.batch_size,
            people_word,
            integration.connected_at,
            run.preview,
            run.expects,
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
        _end(use.engine, lease, work, outcome.not_runnable(str(reason)))
    except IdentifierAbsent as error:
        _end(use.engine, lease, work, outcome.identifier_absent(error.column, error.columns))
    except ConnectorError as error:
        log.warning("run %s: %s: %s", run_id, type(error).__name__, error)
        _end(use.engine, lease, work, outcome.connector_failed(error))
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
    if account.id != integration.remote_account_id:
        raise WrongAccount(
            f"The connection now opens “{account.name}”, but this contract was connected to "
            f"“{integration.remote_account_name}”."
        )
    work.event("Connection checked", f"It opens {account.name}.")

    work.stage("fetch")
    started = time.monotonic()
    with work.engine.connect() as connection:
        memory = store.remember(connection, integration.id)
        salt = salt_of(connection, work.settings)
    with kept_alive(work.engine, work.lease):
        listing = connector.people(memory.settled, salt)
    work.event(
        f"{work.people_word.capitalize()} fetched", f"{listing.found:,} in {time.monotonic() - started:.1f} s"
    )

    work.stage("match", found=listing.found, total=listing.found)
    plan = _plan(work, listing, memory)
    held = _safeguard(work, listing, memory, plan)
    if work.preview:
        _finish_preview(work, listing, plan, held)
        return
    if work.expects is not None and preview.fingerprint(plan) != work.expects:
        _end(work.engine, work.lease, work, outcome.not_as_previewed())
        return
    if held is not None:
        _end(work.engine, work.lease, work, outcome.held(held, work.people_word))
        return
    work.event("People matched", f"{listing.found - len(plan.steps) - len(listing.left_out):,} need nothing")

    work.stage("apply", total=len(plan.steps), done=0, reasons=_reasons(plan, listing))
    for _ in range(REPLANS):
        try:
            apply_plan(work.engine, work.lease, work.target, plan, work.batch_size)
            break
        except Outdated:
            log.info("run %s: users changed here meanwhile, planning again", work.lease.run_id)
            with work.engine.connect() as connection:
                memory = store.remember(connection, integration.id)
            plan = _plan(work, _without_settled(listing, memory), memory)
    else:
        raise RuntimeError(f"users kept changing here; gave up after planning {REPLANS} times")
    _finish(work, listing, plan)


def _plan(work: _Work, listing: Listing, memory: store.Memory) -> Plan:
    """What to do about everybody but those whose record is the same: they are settled and stay as they are."""
    looked_at = {memory.settled[revision] for revision in memory.settled.keys() - listing.same}
    looked_at |= {person_id for revision, person_id in memory.others if revision not in listing.same}
    with work.engine.connect() as connection, kept_alive(work.engine, work.lease):
        known = store.known_people(connection, work.integration.id, looked_at, memory.winners)
        linked = {entry.remote_id for entry in known if entry.user_id is not None}
        strangers = [person for person in listing.people if person.remote_id not in linked]
        others = [person.remote_id for person in strangers]
        others += [entry.remote_id for entry in listing.left_out]
        if listing.same and store.lists_settled(connection, work.integration.id, others, looked_at):
            raise BadResponse(
                f"The list of {work.people_word} names somebody twice, so it cannot be trusted."
            )
        rule = rule_of(connection, work.settings, listing)
        users = store.users_for(
            connection, work.integration.contract_id, work.integration.id, strangers, rule, memory.winners
        )
    return plan_sync(listing.people, known, users, rule, same=len(listing.same))


def _without_settled(listing: Listing, memory: store.Memory) -> Listing:
    """The same listing, with who was settled since the fetch counted as the same."""
    now_same = {person.revision for person in listing.people if person.revision in memory.settled}
    return Listing(
        found=listing.found,
        same=listing.same | now_same,
        people=[person for person in listing.people if person.revision not in now_same],
        left_out=listing.left_out,
        user_types=listing.user_types,
    )


def _safeguard(work: _Work, listing: Listing, memory: store.Memory, plan: Plan) -> safeguard.Held | None:
    gone = [step.name for step in plan.steps if step.kind is Kind.MISSING]
    limits = safeguard.Limits(work.settings.shrink_percent, work.settings.shrink_people)
    people = len(listing.same) + len(listing.people)  # entries that are no people do not make a list
    held = safeguard.judge(known=memory.listed, found=people, gone_names=gone, limits=limits)
    if held is not None and work.approved is not None and safeguard.still_covers(work.approved, held):
        work.event("Approved", "The list is as it was when the run was approved.")
        return None
    return held


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
        _write_left_out(connection, work.lease.run_id, listing)
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
        if seen is not None:
            memory |= {"columns_seen": seen, "columns_seen_at": now}
        if listing.user_types:
            memory["types_seen"] = [{"key": one.key, "label": one.label} for one in listing.user_types]
        connection.execute(
            sa.update(UserSync).where(UserSync.integration_id == work.integration.id).values(memory)
        )
        _write_end(connection, work.lease, work, ended)
    log.info("run %s: %s: %s", work.lease.run_id, ended.state, ended.message)


def _finish_preview(work: _Work, listing: Listing, plan: Plan, held: safeguard.Held | None) -> None:
    """The lines and counters that a run would have; nothing is applied and no setting remembers it."""
    work.stage("finish", total=len(plan.steps), reasons=_reasons(plan, listing))
    for steps in store.chunks(plan.steps, work.batch_size):
        with writing(), work.engine.begin() as connection:
            renew(connection, work.lease, {"done": SyncRun.done + len(steps)})
            write_changes(connection, work.lease.run_id, steps, {})
    ended = outcome.previewed(
        found=listing.found,
        counts=preview.counts(plan),
        left_out=plan.count(Kind.LEAVE_OUT) + len(listing.left_out),
        conflicts=plan.count(Kind.CONFLICT),
        reasons=_reasons(plan, listing),
        people_word=work.people_word,
        held=held is not None,
        fingerprint=preview.fingerprint(plan),
    )
    work.event("Previewed", ended.message, "ok" if ended.state == "completed" else "warn")
    with writing(), work.engine.begin() as connection:
        _lock(connection, work.integration.id)
        renew(connection, work.lease, {"stage": "finish"})
        _write_left_out(connection, work.lease.run_id, listing)
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


def _write_left_out(connection: sa.Connection, run_id: int, listing: Listing) -> None:
    """A line for each entry that the platform's own rules set aside, unless an earlier attempt wrote it."""
    insert_rows(
        connection,
        table_of(SyncChange),
        ("remote_id", "person_name", "person_email", "reason"),
        [(entry.remote_id, entry.name, entry.email, entry.reason) for entry in listing.left_out],
        {"run_id": run_id, "kind": Kind.LEAVE_OUT.value},
        pass_over=("run_id", "remote_id", "kind"),
    )


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
        if ended.passing and not work.preview:
            schedule.try_again_soon(connection, work.integration.id, now)
    incidents.run_ended(connection, lease.run_id, now)
    events.run_ended(connection, lease.run_id, now)
