"""What was measured, as tables for people and as JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.fleet import Cycle
from bench.pages import P95_AIM, PageMeasurement
from bench.programs import ROOT
from bench.routes import LIMIT, RouteMeasurement
from bench.saves import Beside
from bench.syncs import Measurement

RESULTS = ROOT / "bench" / "results"
MEGABYTE = 1_000_000


class Machine(msgspec.Struct):
    """Where and when it was measured."""

    at: str
    processor: str
    cores: int
    python: str
    databases: list[str]
    load: float


class Report(msgspec.Struct):
    """Everything of one call of ``make bench``."""

    machine: Machine
    syncs: list[Measurement]
    pages: list[PageMeasurement] = []
    fleet: list[Cycle] = []
    routes: list[RouteMeasurement] = []
    saves: list[Beside] = []


def machine(databases: Sequence[str]) -> Machine:
    """The facts about this machine; ``databases`` are names with versions."""
    return Machine(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        python=platform.python_version(),
        databases=list(databases),
        load=os.getloadavg()[0],
    )


def save(report: Report) -> Path:
    """Write the JSON file; its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{report.machine.at.replace(':', '')[:17]}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    return path


def machine_line(facts: Machine) -> str:
    return (
        f"{facts.cores} cores ({facts.processor}), Python {facts.python}, {', '.join(facts.databases)}; "
        f"{facts.at}, load {facts.load:.1f}"
    )


SYNC_HEADINGS = (
    "database", "people", "sync", "wall s", "floor s", "of it fetch", "x floor", "aim", "CPU s", "floor CPU",
    "memory MB", "statements",
)  # fmt: skip


def sync_row(one: Measurement) -> list[str]:
    """The cells below :data:`SYNC_HEADINGS`."""
    return [
        one.database,
        f"{one.people:,}",
        one.sync,
        _seconds(one.product.wall),
        _seconds(one.floor.wall),
        _seconds(one.fetch.wall),
        f"{one.ratio:.2f}",
        "" if one.aim is None else f"{one.aim:.1f} {'met' if one.ratio <= one.aim else 'missed'}",
        _seconds(one.product.cpu),
        _seconds(one.floor.cpu),
        f"{one.product.peak / MEGABYTE:.0f}",
        f"{one.product.statements:,}",
    ]


def sync_line(one: Measurement) -> str:
    """One measurement in a line, to see how far it is."""
    return (
        f"{one.database}, {one.people:,} people, {one.sync}: {_seconds(one.product.wall)} s, "
        f"{one.ratio:.2f} x floor (load {one.load:.1f})"
    )


SAVE_HEADINGS = (
    "database", "people", "import alone s", "beside saves s", "x", "saves", "median ms", "p95 ms", "worst ms",
)  # fmt: skip


def save_row(one: Beside) -> list[str]:
    """The cells below :data:`SAVE_HEADINGS`."""
    return [
        one.database,
        f"{one.people:,}",
        _seconds(one.alone),
        _seconds(one.beside),
        f"{one.beside / one.alone:.2f}",
        f"{one.saves:,}",
        *(f"{seconds * 1000:.1f}" for seconds in (one.save_median, one.save_p95, one.save_worst)),
    ]


PAGE_HEADINGS = (
    "database", "people", "page", "median ms", "p95 ms", "peer ms", "x peer", "aim", "web CPU ms", "statements", "kB",
)  # fmt: skip


def page_row(one: PageMeasurement) -> list[str]:
    """The cells below :data:`PAGE_HEADINGS`."""
    return [
        one.database,
        f"{one.people:,}",
        one.page,
        f"{one.median:.1f}",
        f"{one.p95:.1f}",
        f"{one.peer_median:.1f}",
        f"{one.times_peer:.2f}",
        f"{one.aim:.0f}/{P95_AIM:.0f} {'met' if one.met else 'missed'}",
        f"{one.cpu:.1f}",
        f"{one.statements}",
        f"{one.bytes / 1000:.0f}",
    ]


def page_line(one: PageMeasurement) -> str:
    """One measurement in a line, to see how far it is."""
    return (
        f"{one.database}, {one.people:,} people, {one.page}: median {one.median:.1f} ms, "
        f"{one.times_peer:.2f} x peer, p95 {one.p95:.1f} ms, CPU {one.cpu:.1f} ms, {one.statements} statements "
        f"(load {one.load:.1f})"
    )


FLEET_HEADINGS = (
    "database", "phase", "contracts", "people", "wall s", "floor s", "x floor", "runs/s", "tick s", "idle tick",
    "wait p50", "wait p95", "run p50", "run p95", "big waited", "big took", "small beside",
)  # fmt: skip


def fleet_row(one: Cycle) -> list[str]:
    """The cells below :data:`FLEET_HEADINGS`."""
    seconds = (
        one.tick, one.idle_tick, one.wait_p50, one.wait_p95, one.run_p50, one.run_p95, one.big_wait, one.big_seconds,
    )  # fmt: skip
    return [
        one.database,
        one.phase,
        f"{one.contracts:,}",
        f"{one.people:,}",
        _seconds(one.wall),
        _seconds(one.floor),
        f"{one.ratio:.2f}",
        f"{one.runs_per_second:.1f}",
        *map(_seconds, seconds),
        f"{one.small_ended_beside_big:,}",
    ]


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, numbers to the right."""
    widths = [max(len(row[place]) for row in [headings, *rows]) for place in range(len(headings))]
    lines = []
    for row in [headings, ["-" * width for width in widths], *rows]:
        cells = [
            cell.rjust(width) if _numeric(rows, place) else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _numeric(rows: Sequence[Sequence[str]], place: int) -> bool:
    return all(not row[place] or row[place][0].isdigit() for row in rows)


def _seconds(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


ROUTE_HEADINGS = ("database", "CPU s", "slice s", "beside s", "as", "route", "sent", "status", "kB")
DEAREST = 25  # routes that the table lists


def route_rows(measured: Sequence[RouteMeasurement]) -> list[list[str]]:
    """The dearest request of each route, the dearest routes first; those above the limit all."""
    worst: dict[tuple[str, str, str], RouteMeasurement] = {}
    for one in sorted(measured, key=lambda one: one.cpu):
        worst[one.database, one.method, one.rule] = one
    dearest = sorted(worst.values(), key=lambda one: -one.cpu)
    return [route_row(one) for place, one in enumerate(dearest) if place < DEAREST or one.cpu > LIMIT]


def route_row(one: RouteMeasurement) -> list[str]:
    return [
        one.database,
        f"{one.cpu:.2f}",
        f"{one.slice:.2f}",
        f"{one.beside:.2f}" if one.beside else "",
        one.actor,
        f"{one.method} {one.rule}",
        one.sent,
        str(one.status),
        f"{one.bytes / 1000:,.0f}",
    ]


def route_line(one: RouteMeasurement) -> str:
    return " | ".join(route_row(one))


def routes_line(measured: Sequence[RouteMeasurement]) -> str:
    """How many requests there were, and how many of them cost more than they may."""
    above = sum(one.cpu > LIMIT for one in measured)
    failed = sum(one.status >= 500 for one in measured)
    routes = len({(one.method, one.rule) for one in measured})
    return f"{len(measured):,} requests to {routes} routes: {above} cost more than {LIMIT:g} s of CPU, {failed} failed."
