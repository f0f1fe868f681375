"""Saves beside a first import: how long each waits, and what the import loses by letting them in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

import msgspec

from bench.programs import PATIENCE, ROOT, BenchError
from bench.syncs import Lab, synced


class Beside(msgspec.Struct):
    """Seconds: of an import alone, of one beside saves, and of those saves; medians of the repeats."""

    database: str
    people: int
    alone: float
    beside: float
    saves: int
    save_median: float
    save_p95: float
    save_worst: float


def measure(lab: Lab, people: int) -> Beside:
    """Import ``people`` people with nobody else there, and with somebody who saves ten times a second."""
    lab.workspace.generate(people)
    bare = lab.prepared()
    alone: list[float] = []
    beside: list[float] = []
    took: list[float] = []
    for _ in range(lab.repeats):
        database = lab.databases.copy(bare)
        alone.append(synced(lab, database)[0].wall)
        lab.databases.drop(database)
        database = lab.databases.copy(bare)
        with _saving(lab, database) as saves:
            beside.append(synced(lab, database)[0].wall)
        took += saves
        lab.databases.drop(database)
    lab.databases.drop(bare)
    if len(took) < 2:
        raise BenchError("Too few saves were made beside the import to say anything.")
    return Beside(
        lab.databases.name,
        people,
        median(alone),
        median(beside),
        len(took),
        median(took),
        quantiles(took, n=20)[-1],
        max(took),
    )


@contextmanager
def _saving(lab: Lab, database_url: str) -> Iterator[list[float]]:
    """Somebody saves while the block lasts; the list holds what each save took once it is over."""
    report = lab.folder / "saves.json"
    took: list[float] = []
    command = [sys.executable, "-m", "bench.saving_writer", str(report)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=lab.environ(database_url),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        if writer.stdout is None or writer.stdin is None or writer.stdout.readline() != "ready\n":
            raise BenchError("The program that saves did not start.")
        yield took
        writer.stdin.close()
        if writer.wait(PATIENCE):
            raise BenchError("The program that saves failed.")
    took += msgspec.json.decode(Path(report).read_bytes(), type=list[float])
