"""A fleet: many contracts due in one moment, worked by two workers, first imports and then a cycle without changes.

Some contracts are imported; the others become copies of one of them, so that the cycle is of all.

Each phase begins with the tick that finds all of them due, which is timed; then the workers drain the queue, with a
tick twice a minute as in real life. One contract has a far bigger list than the others.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import flask_migrate
import msgspec
import sqlalchemy as sa

from bench.cloning import clone
from bench.databases import Databases
from bench.figures import percentile
from bench.floor import Task
from bench.many_workspaces import TOKEN
from bench.product import headers_for, product
from bench.programs import ROOT, BenchError, product_environ, running
from bench.syncs import floor_of
from webapp.core.credentials import seal_for
from webapp.core.database import write_transaction
from webapp.core.models import Contract, ContractFeature, Integration, SyncRun, UserSync, db, table_of, utcnow
from webapp.core.models.sync import LIVE_STATES
from webapp.core.permissions import INTEGRATIONS
from webapp.jobs import functions

WORKERS = 2
TICK_EVERY = 30.0  # seconds
LOOK_EVERY = 1.0  # seconds
STALLED = 240.0  # seconds without a run that ended
AT_ONCE = 1000  # rows
FLOORS = 5  # times a list is fetched for the floor; the median counts
MODEL = 2  # the contract that is copied; the first is the big one


class Cycle(msgspec.Struct):
    """One phase on one database. Times are in seconds; a wait is from being due to being begun.

    ``big_wait`` and ``big_seconds`` are of the one big list, ``longest_beside_big`` the longest that a small list
    that was begun while the big one ran had taken from due to done. ``floor`` is what fetching and decoding the same
    lists takes, shared by as many processes as there are workers.
    """

    database: str
    phase: str
    contracts: int
    people: int
    big: int
    tick: float
    idle_tick: float
    wall: float
    runs_per_second: float
    wait_p50: float
    wait_p95: float
    run_p50: float
    run_p95: float
    big_wait: float
    big_seconds: float
    small_ended_beside_big: int
    load: float
    floor: float

    @property
    def ratio(self) -> float:
        """How many times as long as the floor."""
        return self.wall / self.floor


@dataclass(frozen=True)
class Size:
    """How many contracts with how many people each, how many the first one has, and how many contracts are imported."""

    contracts: int
    people: int
    big: int
    imports: int


def measure(folder: Path, databases: Databases, redis_url: str, api_url: str, size: Size) -> Iterator[Cycle]:
    """Both phases on one kind of database."""
    url = databases.make()
    environ = product_environ(
        DATABASE_URL=url,
        DATA_DIR=str(folder / "data"),
        REDIS_URL=redis_url,
        INTERCOM_API_URL=api_url,
        INTERCOM_AUTHORIZE_URL=f"{api_url}/oauth",
        WORKER_RUNS="1",
    )
    with product(environ):
        flask_migrate.upgrade(str(ROOT / "migrations"))
        fill(size)
    databases.settle(url)
    with ExitStack() as started:
        for number in range(WORKERS):
            log = folder / f"worker-{databases.name}-{number}.log"
            started.enter_context(running([sys.executable, "worker.py"], log, lambda: True, environ=environ))
        imports = min(size.contracts, size.imports)
        with product(environ):
            yield cycle(databases.name, "first imports", size, imports, floor(folder, api_url, size, imports))
            if size.contracts > imports:
                clone(MODEL, imports + 1, size.contracts)
        databases.settle(url)
        with product(environ):
            lists = floor(folder, api_url, size, size.contracts)
            yield cycle(databases.name, "nothing changed", size, size.contracts, lists)
    databases.drop(url)


def fill(size: Size) -> None:
    """Contracts with Intercom connected and User sync enabled, due an hour from now."""
    now = utcnow()
    for start in range(1, size.contracts + 1, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, size.contracts + 1))
        contracts = [
            {"id": one, "slug": f"fleet-{one}", "name": f"Contract {one}", "created_at": now}
            for one in numbers
        ]
        integrations = [
            {
                "id": one,
                "contract_id": one,
                "platform": "intercom",
                "connection": "connected",
                "credentials": seal_for([one, one, "intercom"], {"access_token": f"{TOKEN}{one}"}),
                "site": "us",
                "remote_account_id": f"ws{one}",
                "remote_account_name": f"Workspace {one}",
                "connected_at": now,
                "created_at": now,
            }
            for one in numbers
        ]
        syncs = [
            {
                "integration_id": one,
                "enabled": True,
                "enabled_at": now,
                "next_run_at": now + timedelta(hours=1),
                "last_found": size.big if one == 1 else size.people,
            }
            for one in numbers
        ]
        features = [{"contract_id": one, "feature": INTEGRATIONS, "enabled_at": now} for one in numbers]
        with write_transaction() as session:
            session.execute(sa.insert(table_of(Contract)), contracts)
            session.execute(sa.insert(table_of(ContractFeature)), features)
            session.execute(sa.insert(table_of(Integration)), integrations)
            session.execute(sa.insert(table_of(UserSync)), syncs)


def floor(folder: Path, api_url: str, size: Size, contracts: int) -> float:
    """The least seconds in which the workers could fetch and decode the lists of the first ``contracts``."""

    def of_one(number: int, people: int) -> float:
        task = Task(api_url, headers_for(f"{TOKEN}{number}"), people, "", [])
        return statistics.median(floor_of(folder, task)[0].wall for _ in range(FLOORS))

    small = of_one(MODEL, size.people) * (contracts - 1)
    return (of_one(1, size.big) + small) / WORKERS


def cycle(database: str, phase: str, size: Size, contracts: int, least: float) -> Cycle:
    """Make the first ``contracts`` due, tick, and wait until all of it has been worked."""
    load = os.getloadavg()[0]
    idle_tick = _ticked()
    with write_transaction() as session:
        before = session.scalar(sa.select(sa.func.coalesce(sa.func.max(SyncRun.id), 0))) or 0
        session.execute(
            sa.update(UserSync).where(UserSync.integration_id <= contracts).values(next_run_at=utcnow())
        )
    started = time.monotonic()
    tick = _ticked()
    _drain(before, contracts)
    wall = time.monotonic() - started
    runs = db.session.execute(
        sa.select(SyncRun.integration_id, SyncRun.queued_at, SyncRun.started_at, SyncRun.finished_at)
        .where(SyncRun.id > before)
        .order_by(SyncRun.id)
    ).all()
    db.session.rollback()
    waits = [(run.started_at - run.queued_at).total_seconds() for run in runs]
    took = [(run.finished_at - run.started_at).total_seconds() for run in runs]
    (big,) = [run for run in runs if run.integration_id == 1]
    beside = [run for run in runs if big.started_at < run.finished_at < big.finished_at]
    return Cycle(
        database=database,
        phase=phase,
        contracts=contracts,
        people=size.people,
        big=size.big,
        tick=tick,
        idle_tick=idle_tick,
        wall=wall,
        runs_per_second=len(runs) / wall,
        wait_p50=percentile(waits, 0.5),
        wait_p95=percentile(waits, 0.95),
        run_p50=percentile(took, 0.5),
        run_p95=percentile(took, 0.95),
        big_wait=(big.started_at - big.queued_at).total_seconds(),
        big_seconds=(big.finished_at - big.started_at).total_seconds(),
        small_ended_beside_big=len(beside),
        load=load,
        floor=least,
    )


def _drain(after: int, expected: int) -> None:
    """Wait until ``expected`` runs have completed. Raises :class:`BenchError` when one did not, or none goes on."""
    progress, at, last_tick = -1, time.monotonic(), time.monotonic()
    while True:
        rows = db.session.execute(
            sa.select(SyncRun.state, sa.func.count()).where(SyncRun.id > after).group_by(SyncRun.state)
        ).all()
        states = {row[0]: row[1] for row in rows}
        db.session.rollback()
        done = states.get("completed", 0)
        wrong = set(states) - {"completed", *LIVE_STATES}
        if wrong:
            raise BenchError(f"Runs ended as {', '.join(sorted(wrong))}: {states}")
        if done == expected:
            return
        if done != progress:
            progress, at = done, time.monotonic()
        elif time.monotonic() - at > STALLED:
            raise BenchError(f"No run has ended for {STALLED:.0f} s: {states}")
        if time.monotonic() - last_tick > TICK_EVERY:
            last_tick = time.monotonic()
            _ticked()
        time.sleep(LOOK_EVERY)


def _ticked() -> float:
    """The seconds that one tick takes."""
    started = time.perf_counter()
    functions.tick()
    return time.perf_counter() - started
