"""One run from claim to end: connect, fetch, match, apply, finish.

Every step may be repeated: a run whose worker died is claimed again as a later attempt, plans from what is
stored by then, and ends with the same rows and counters as if nothing had happened.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from webapp.core.database import writing
from webapp.core.models import Integration, SyncRun, UserSync
from webapp.platforms.base import Call, Connector, ConnectorError, Listing
from webapp.sync.plan import load_known, safeguard
from webapp.sync.plan.load_rule import salt_of
from webapp.sync.plan.prepare import Prepared, check_account, prepare, without_settled
from webapp.sync.plan.types import IdentifierAbsent, Kind, Plan
from webapp.sync.plan.what_if import save_tried, what_if_of
from webapp.sync.run import outcome, preview, proposal
from webapp.sync.run.again import Unsettled, passing, try_later
from webapp.sync.run.apply import Outdated, apply_plan
from webapp.sync.run.batch_size import Batches
from webapp.sync.run.context import Attempt
from webapp.sync.run.finish import end, finish, finish_preview, lock_settings, reasons_of
from webapp.sync.run.lease import CancelRequested, LeaseLost, claim, kept_alive, renew

log = logging.getLogger(__name__)

REPLANS = 5  # in a row without anybody changed; then others get a pause

BuildConnector = Callable[[Integration, Callable[[Call], None]], Connector]


class NotRunnable(Exception):
    """The run may not go ahead any more (disconnected, the feature switched off); the text says why."""


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
    work: Attempt | None = None
    try:
        integration, settings, run, people_word, platform_label = use.load(run_id)
        work = Attempt(
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
        end(use.engine, lease, work, outcome.cancelled())
    except NotRunnable as reason:
        end(use.engine, lease, work, outcome.not_runnable(str(reason), applied=_applied(use.engine, run_id)))
    except IdentifierAbsent as error:
        applied = _applied(use.engine, run_id)
        end(use.engine, lease, work, outcome.identifier_absent(error.column, error.columns, applied=applied))
    except ConnectorError as error:
        log.warning("run %s: %s: %s", run_id, type(error).__name__, error)
        end(use.engine, lease, work, outcome.connector_failed(error, applied=_applied(use.engine, run_id)))
    except Exception as error:
        trouble = passing(error)
        if trouble is not None:
            if not try_later(use.engine, lease, trouble, work.timeline if work else []):
                end(use.engine, lease, work, outcome.tried_long_enough(trouble.sentence))
            return
        reference = f"RUN-{run_id}-{attempt}"
        log.exception("run %s attempt %s failed (%s)", run_id, attempt, reference)
        end(use.engine, lease, work, outcome.unexpected(reference))
        raise


def _carry_out(work: Attempt, use: Ingredients) -> None:
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
    with (
        kept_alive(work.engine, work.lease),
        load_known.remembering(work.engine, integration.id) as remembered,
    ):
        listing = connector.people(lambda: remembered().settled, salt)
        memory = remembered()
    work.event(
        f"{work.people_word.capitalize()} fetched", f"{listing.found:,} in {time.monotonic() - started:.1f} s"
    )

    work.stage("match", found=listing.found, total=listing.found)
    prepared = _prepared(work, listing, memory, work.settings, work.what_if.excluded_emails)
    plan = prepared.plan
    people = _touched(plan)
    held = _safeguard(work, listing, memory, plan)
    if work.preview:
        saved = _saved_plan(work, listing, memory, salt) if work.what_if else None
        finish_preview(work, listing, plan, saved, held)
        return
    if work.expects is not None and preview.fingerprint(plan) != work.expects:
        end(work.engine, work.lease, work, outcome.not_as_previewed())
        return
    approved = work.approved
    if held is not None and approved and safeguard.still_covers(approved, work.shown, held, people):
        work.event(
            "Approved", "Past the limits, nobody is concerned who was not shown when the run was approved."
        )
        held = None
    if held is not None:
        proposal.write(work.engine, work.lease, plan, listing, work.batches)
        ended = outcome.held(
            held,
            people,
            work.people_word,
            again=approved is not None,
            applied=_applied(work.engine, work.lease.run_id),
        )
        end(work.engine, work.lease, work, ended)
        return
    work.event("People matched", f"{listing.found - len(plan.steps) - len(listing.left_out):,} need nothing")

    _begin_applying(work, total=len(plan.steps), reasons=reasons_of(plan, listing))
    finish(work, listing, _applied_plan(work, listing, memory, prepared))


def _applied_plan(work: Attempt, listing: Listing, memory: load_known.Memory, prepared: Prepared) -> Plan:
    """Carry the plan out, and what is left of it anew whenever users changed here meanwhile; the last one.

    Raises :class:`Unsettled` once :data:`REPLANS` plans in a row changed nobody.
    """
    idle = 0
    while True:
        target = work.target(memory, listing, prepared.rule)
        try:
            apply_plan(work.engine, work.lease, target, prepared.plan, work.batches)
            return prepared.plan
        except Outdated as outdated:
            idle = 0 if outdated.progress else idle + 1
            if idle == REPLANS:
                raise Unsettled from outdated
        log.info("run %s: users changed here meanwhile, planning the rest again", work.lease.run_id)
        with work.engine.connect() as connection:
            memory = load_known.remember(connection, work.integration.id)
        prepared = _prepared(work, without_settled(listing, memory), memory, work.settings)


def _applied(engine: sa.Engine, run_id: int) -> bool:
    """Whether an attempt before this one had written a part of its plan."""
    written = SyncRun.imported + SyncRun.linked + SyncRun.renamed + SyncRun.missing + SyncRun.returned
    with engine.connect() as connection:
        return bool(connection.scalar(sa.select(written > 0).where(SyncRun.id == run_id)))


def _begin_applying(work: Attempt, **values: Any) -> None:
    """From here on lines say what was done. Settings that were tried are saved, in the same transaction.

    What a preview showed was checked by now; a later attempt, which finds a part of it done, goes on.
    """
    if work.what_if:
        work.event("Settings saved", "The list is as it was in the preview.")
    with writing(), work.engine.begin() as connection:
        lock_settings(connection, work.integration.id)
        stage = {"stage": "apply", "done": 0, "expects": None, "what_if": None, "timeline": work.timeline}
        renew(connection, work.lease, stage | values)
        work.write_calls(connection)
        if work.proposed:
            proposal.clear(connection, work.lease.run_id)
        if work.what_if:
            save_tried(connection, work.lease.run_id, work.what_if, work.platform_label)


def _saved_plan(work: Attempt, listing: Listing, memory: load_known.Memory, salt: bytes) -> Plan | None:
    """What the saved settings would do; ``None`` when those that are tried are the same, or they cannot work."""
    with work.engine.connect() as connection:
        if salt_of(connection, work.saved) == salt:
            return None
    try:
        return _prepared(work, listing, memory, work.saved).plan
    except IdentifierAbsent:
        return None


def _prepared(
    work: Attempt, listing: Listing, memory: load_known.Memory, settings: UserSync, tried: Sequence[str] = ()
) -> Prepared:
    with kept_alive(work.engine, work.lease):
        return prepare(
            work.engine, work.integration.contract_id, settings, listing, memory, work.people_word, tried
        )


def _safeguard(
    work: Attempt, listing: Listing, memory: load_known.Memory, plan: Plan
) -> safeguard.Held | None:
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
        restored=_restored(work),
        renamed=plan.count(Kind.RENAME),
    )


def _restored(work: Attempt) -> bool:
    """Whether what is known comes from a backup, and no run has gone through since it was restored."""
    restored, good = work.integration.restored_at, work.saved.last_success_at
    return restored is not None and (good is None or good < restored)


def _touched(plan: Plan) -> safeguard.Shown:
    """Whom the safeguard judges, by remote ID."""
    return safeguard.Shown(
        [step.remote_id for step in plan.steps if step.kind is Kind.MISSING],
        [step.remote_id for step in plan.steps if step.kind is Kind.IMPORT],
        [step.remote_id for step in plan.steps if step.kind is Kind.RENAME],
    )
