"""Waiting for the end of a run at a terminal. What it waits for is said on standard error, so that nobody wonders."""

from __future__ import annotations

import time

import click
import redis

from webapp.core import heartbeat
from webapp.core.models import SyncRun, db
from webapp.queue import wake

POLL = 0.2  # seconds
QUIET = 30.0  # seconds in which a worker should have picked the run up: a tick and a moment
AGAIN = 300.0  # seconds after which the same is said again

START = "systemctl start rollcall.target, or make run for the demo"
SEE = "flask sync status --json says when worker and scheduler were last seen."
NO_QUEUE = "Redis does not answer, and without it nothing wakes a worker. Start Redis, or correct REDIS_URL."
NO_WORKER = f"No worker is running (the last sign of one: {{seen}}). Start one ({START}). {SEE}"
BUSY = f"Workers are running, so they may be busy with other runs. {SEE}"


def wait_for(run_id: int, timeout: int) -> SyncRun:
    """The run once it has ended, or as it is after ``timeout`` seconds."""
    click.echo(f"Waiting for run {run_id} to end, {timeout} s at most.", err=True)
    began = time.monotonic()
    tell_at, told = began + min(QUIET, timeout), ""
    while True:
        db.session.rollback()  # see what others committed since
        run = db.session.get_one(SyncRun, run_id, populate_existing=True)
        now = time.monotonic()
        if told and run.state != "queued":
            click.echo(f"A worker has picked run {run_id} up.", err=True)
            told = ""
        if not run.live:
            return run
        if now - began >= timeout:
            click.echo(_late(run, timeout), err=True)
            return run
        if run.state == "queued" and now >= tell_at:
            told = why_it_waits(run)
            click.echo(f"No worker has picked run {run_id} up in {now - began:.0f} s. {told}", err=True)
            tell_at = now + AGAIN
        time.sleep(min(POLL, max(0.0, began + timeout - now)))


def why_it_waits(run: SyncRun) -> str:
    """Why a queued run has not begun, as far as can be known, and what to do."""
    if run.waits_for and run.not_before:
        return f"{run.waits_for} It is tried again at {run.not_before:%H:%M:%S} UTC."
    try:
        registered = wake.workers()
    except redis.RedisError:
        return NO_QUEUE
    worker = heartbeat.seen(heartbeat.WORKER)
    if registered and worker.alive:  # one that was killed stays registered for a while
        return BUSY
    at = worker.seen_at
    return NO_WORKER.format(seen="never" if at is None else f"{at:%d %B %Y at %H:%M:%S} UTC")


def _late(run: SyncRun, timeout: int) -> str:
    late = f"Run {run.id} has not ended after {timeout} s and goes on without this command."
    if run.state != "queued":
        return f"{late} A worker has it (stage: {run.stage or 'starting'}). Give more time with --timeout SECONDS."
    return f"{late} No worker has picked it up. {why_it_waits(run)}"
