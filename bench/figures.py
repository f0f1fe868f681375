"""What is measured of one piece of work, and how several measurements become one figure."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import sqlalchemy as sa
from sqlalchemy import event


class Figures(msgspec.Struct):
    """Seconds on the clock, seconds of processor time (user and system, of this process alone), the highest
    resident memory of the process in bytes, and SQL statements (an executemany of many rows is one).
    """

    wall: float = 0.0
    cpu: float = 0.0
    peak: int = 0
    statements: int = 0


@contextmanager
def measured() -> Iterator[Figures]:
    """Measure the block; the figures are complete once it has ended."""
    figures = Figures()
    wall, cpu = time.perf_counter(), time.process_time()
    yield figures
    figures.wall = time.perf_counter() - wall
    figures.cpu = time.process_time() - cpu
    figures.peak = peak_memory()


@contextmanager
def counted(engine: sa.Engine) -> Iterator[Callable[[], int]]:
    """Count the statements that ``engine`` hands to its driver inside the block, BEGIN and PRAGMA of SQLite too."""
    count = 0

    def one(*_: object) -> None:
        nonlocal count
        count += 1

    event.listen(engine, "before_cursor_execute", one)
    try:
        yield lambda: count
    finally:
        event.remove(engine, "before_cursor_execute", one)


def peak_memory() -> int:
    """Bytes of memory this process has had resident at most.

    From /proc, because what ``getrusage`` says includes the program that started this one.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the kernel does not tell the peak memory of a process")


def median(several: Sequence[Figures]) -> Figures:
    """The median of each figure; of memory the highest."""
    return Figures(
        wall=statistics.median(one.wall for one in several),
        cpu=statistics.median(one.cpu for one in several),
        peak=max(one.peak for one in several),
        statements=round(statistics.median(one.statements for one in several)),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of ``values`` that at least ``share`` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
