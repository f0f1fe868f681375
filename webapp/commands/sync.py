"""``flask sync``: start a run and wait for it, and see how the last ones went."""

from __future__ import annotations

import sys
from typing import Any

import click
import sqlalchemy as sa

from webapp.commands.answers import contract_or_fail, fail, print_json
from webapp.commands.groups import CommandGroup
from webapp.commands.waiting import NO_QUEUE, wait_for
from webapp.core import heartbeat
from webapp.core.models import Contract, Integration, SyncRequest, SyncRun, db, utcnow
from webapp.core.models.sync import COUNTERS, SUCCESS_STATES
from webapp.integrations.shared.lock_and_audit import NotConnected, NotEnabled
from webapp.integrations.shared.platform_status import platform_states
from webapp.integrations.user_sync import settings as use
from webapp.platforms.registry import PLATFORMS
from webapp.queue import wake
from webapp.sync.schedule.schedule import Requester

group = CommandGroup("sync", help="User sync: start runs and see how they went.")

BY_COMMAND = Requester(None, "command: flask sync now")


@group.command("now")
@click.argument("contract")
@click.argument("platform", type=click.Choice(sorted(PLATFORMS)))
@click.option(
    "--wait", is_flag=True, help="Wait for the end, print the run as JSON, exit 0 if it completed, else 1."
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.IntRange(min=1),
    default=3600,
    show_default=True,
    help="With --wait: how long at most. The run goes on; it is printed as it is then, with exit code 1.",
)
def now(contract: str, platform: str, wait: bool, timeout: int) -> None:
    """Start a run of PLATFORM for CONTRACT, or join the one that is going on."""
    integration = _integration(contract, platform)
    label = PLATFORMS[platform].label
    try:
        requested = use.sync_now(integration.id, BY_COMMAND, "command")
    except NotConnected:
        fail(f"{label} is not connected for the contract {contract}. Connect it first.")
    except NotEnabled:
        fail(f"User sync of {label} is off for the contract {contract}. Enable it first.")
    woken = requested.joined or wake.wake_soon(requested.run.id, requested.run.attempt)
    if not wait:
        words = "A run was going on already" if requested.joined else "A run is queued"
        click.echo(
            f"{words}: run {requested.run.id}."
            + ("" if woken else f" {NO_QUEUE} It starts within a minute of that.")
        )
        return
    if not woken:
        click.echo(f"{NO_QUEUE} The run starts within a minute of that.", err=True)
    run = wait_for(requested.run.id, timeout)
    print_json(run_as_json(run))
    sys.exit(0 if run.state in SUCCESS_STATES else 1)


@group.command("status")
@click.option("--contract", help="Only this contract.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(contract: str | None, as_json: bool) -> None:
    """How User sync is doing, by contract and platform."""
    if contract is not None:
        contracts = [contract_or_fail(contract)]
    else:
        contracts = list(db.session.scalars(sa.select(Contract).order_by(Contract.slug)))
    moment = utcnow()
    found: dict[str, Any] = {
        "scheduler_seen": _iso(heartbeat.seen(heartbeat.SCHEDULER).seen_at),
        "worker_seen": _iso(heartbeat.seen(heartbeat.WORKER).seen_at),
        "queue_depth": wake.depth(),
        "contracts": [_contract_status(one, moment) for one in contracts],
    }
    if as_json:
        print_json(found)
        return
    for one in found["contracts"]:
        for platform in one["platforms"]:
            fresh = f", {platform['freshness']}" if platform["freshness"] else ""
            click.echo(
                f"{one['contract']}  {platform['platform']}: {platform['status']}{fresh}. {platform['message']}"
            )


def run_as_json(run: SyncRun) -> dict[str, Any]:
    """A run as the commands print it; ``seconds`` is how long it took, ``requests`` how many calls it made."""
    requests = db.session.scalar(sa.select(sa.func.count()).where(SyncRequest.run_id == run.id))
    seconds = run.seconds
    return {
        "run": run.id,
        "state": run.state,
        "trigger": run.trigger,
        "attempt": run.attempt,
        **{name: getattr(run, name) for name in COUNTERS},
        "reasons": run.reasons or {},
        "seconds": None if seconds is None else round(seconds, 3),
        "requests": requests,
        "message": run.message,
        "queued_at": _iso(run.queued_at),
        "started_at": _iso(run.started_at),
        "finished_at": _iso(run.finished_at),
    }


def _contract_status(contract: Contract, moment: Any) -> dict[str, Any]:
    platforms = []
    for state in platform_states(contract, moment):
        sync = state.sync
        newest = state.live or state.last
        platforms.append(
            {
                "platform": state.platform.key,
                "status": state.health.status,
                "message": state.health.message,
                "freshness": state.health.freshness,
                "enabled": bool(sync and sync.enabled),
                "last_success_at": _iso(sync.last_success_at) if sync else None,
                "next_run_at": _iso(state.next_run_at),
                "last_run": run_as_json(newest) if newest else None,
            }
        )
    return {"contract": contract.slug, "name": contract.name, "platforms": platforms}


def _integration(contract: str, platform: str) -> Integration:
    owner = contract_or_fail(contract)
    found = db.session.scalars(
        sa.select(Integration).where(Integration.contract_id == owner.id, Integration.platform == platform)
    ).one_or_none()
    if found is None:
        fail(f"{PLATFORMS[platform].label} is not connected for the contract {owner.slug}. Connect it first.")
    return found


def _iso(moment: Any) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
