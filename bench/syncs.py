"""Syncs: a first import, a re-sync of an unchanged list, and one of a list with 1 % renamed, each with its floor.

Each measurement is a fresh worker on a fresh copy of the database. Product and floor take turns, so that
whatever else the machine does falls on both.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.databases import Databases
from bench.figures import Figures, median
from bench.floor import Task, Write
from bench.product import Outcome, outcome, prepare, request_headers, request_run
from bench.programs import BenchError, finished, product_environ
from bench.workspace import Workspace
from bench.writes import written


class Measurement(msgspec.Struct):
    """One kind of sync of so many people on one database; every figure is the median of ``repeats``.

    ``fetch`` is the part of the floor before the first row is written; ``rows`` are rows written, by table.
    """

    database: str
    people: int
    sync: str
    product: Figures
    floor: Figures
    fetch: Figures
    rows: dict[str, int]
    repeats: int
    aim: float | None
    load: float

    @property
    def ratio(self) -> float:
        """How many times as long as the floor."""
        return self.product.wall / self.floor.wall


@dataclass(frozen=True)
class Lab:
    """What one measurement needs: databases of one kind, the sandbox, and how often to repeat."""

    folder: Path
    databases: Databases
    workspace: Workspace
    redis_url: str
    repeats: int

    def environ(self, database_url: str) -> dict[str, str]:
        return product_environ(
            DATABASE_URL=database_url,
            DATA_DIR=str(self.folder / "data"),
            REDIS_URL=self.redis_url,
            INTERCOM_API_URL=self.workspace.url,
            INTERCOM_AUTHORIZE_URL=f"{self.workspace.url}/oauth",
        )

    def prepared(self) -> str:
        """A new database in which the first run waits."""
        url = self.databases.make()
        prepare(self.environ(url), self.workspace)
        return url


def measure(lab: Lab, people: int) -> Iterator[Measurement]:
    """The three kinds of sync of ``people`` people, one after the other."""
    lab.workspace.generate(people)
    bare = lab.prepared()
    yield _repeated(lab, people, bare, "first import", aim=2.0)

    imported = lab.databases.copy(bare)
    lab.databases.drop(bare)
    synced(lab, imported)
    lab.databases.settle(imported)
    yield _repeated(lab, people, imported, "nothing changed", aim=1.3)

    lab.workspace.rename(people // 100)
    yield _repeated(lab, people, imported, "1 % renamed", aim=None)
    lab.databases.drop(imported)


def synced(lab: Lab, database_url: str) -> tuple[Figures, Outcome]:
    """Run one sync in a worker of its own."""
    environ = lab.environ(database_url)
    report = lab.folder / "figures.json"
    report.unlink(missing_ok=True)
    run_id = request_run(environ)
    finished("bench.measured_worker", report, environ=environ)
    ended = outcome(environ, run_id)
    return msgspec.json.decode(report.read_bytes(), type=Figures), ended


def _repeated(lab: Lab, people: int, start: str, sync: str, aim: float | None) -> Measurement:
    headers = request_headers(lab.environ(start))
    load = os.getloadavg()[0]
    products, fetches, floors = [], [], []
    writes: list[Write] = []
    for number in range(lab.repeats):
        database = lab.databases.copy(start)
        figures, ended = synced(lab, database)
        _check(sync, people, ended)
        products.append(figures)
        if number == 0 and sync != "nothing changed":
            writes = written(start, database)
        lab.databases.drop(database)

        database = lab.databases.copy(start)
        task = Task(lab.workspace.url, headers, people, database, writes)
        fetch, floor = floor_of(lab.folder, task)
        lab.databases.drop(database)
        fetches.append(fetch)
        floors.append(floor)
    rows: Counter[str] = Counter()
    for write in writes:
        rows[write.table] += len(write.rows)
    return Measurement(
        database=lab.databases.name,
        people=people,
        sync=sync,
        product=median(products),
        floor=median(floors),
        fetch=median(fetches),
        rows=dict(rows),
        repeats=lab.repeats,
        aim=aim,
        load=load,
    )


def floor_of(folder: Path, task: Task) -> tuple[Figures, Figures]:
    """What fetching and decoding cost in a process of its own, and that with the writing."""
    given, report = folder / "task", folder / "floor.json"
    given.write_bytes(msgspec.msgpack.encode(task))
    finished("bench.floor", given, report, environ=product_environ())
    return msgspec.json.decode(report.read_bytes(), type=tuple[Figures, Figures])


def _check(sync: str, people: int, ended: Outcome) -> None:
    """A measurement of something else than what it says is worth nothing."""
    done = {
        "first import": ended.imported > 0.9 * people,
        "nothing changed": ended.imported == ended.renamed == 0,
        "1 % renamed": ended.renamed == people // 100,
    }
    if ended.found != people or not done[sync]:
        raise BenchError(f"The sync “{sync}” of {people} people did something else: {ended}")
