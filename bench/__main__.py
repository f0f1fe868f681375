"""``python -m bench``: measure, print tables, write JSON to bench/results/."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import fleet, pages, report, routes, saves, servers, syncs
from bench.databases import Databases, Postgres, Sqlite
from bench.pages import PageMeasurement
from bench.programs import BenchError
from bench.syncs import Lab, Measurement
from bench.workspace import Workspace

SIZES = (1_000, 10_000, 100_000)  # people
DATABASES = ("sqlite", "postgres")
REPEATS, REPEATS_OF_MANY = 7, 3
MANY = 50_000  # people, from here on fewer repeats
SAVED_BESIDE = 20_000  # people who are imported while somebody saves
PAGE_SIZES = (1_000, 100_000)  # people
REQUESTS, QUICK_REQUESTS = 120, 20  # of each page


def main(arguments: Sequence[str]) -> int:
    """Measure what ``arguments`` name. 0, or 1 when something that is measured did not work."""
    wanted = parse(arguments)
    folder = Path(tempfile.mkdtemp(prefix="rollcall-bench-"))
    folder.chmod(0o711)  # Postgres, which may have to run as another user, has its folder inside
    try:
        with ExitStack() as started:
            measure(wanted, folder, started)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options; exits with a usage line when they make no sense."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure syncs, pages and a fleet.")
    parser.add_argument("--sizes", type=_sizes, help="how many people, such as 1000,10000")
    parser.add_argument("--databases", type=_databases, default=DATABASES, help="sqlite, postgres or both")
    parser.add_argument(
        "--only", choices=["sync", "saves", "pages", "fleet", "routes"], help="only this half"
    )
    parser.add_argument("--contracts", type=int, default=500, help="of the fleet")
    parser.add_argument("--people", type=int, default=200, help="of each contract of the fleet")
    parser.add_argument(
        "--imports", type=int, default=500, help="first imports; the others are copies of one"
    )
    parser.add_argument("--big", type=int, default=100_000, help="people of the fleet's one big contract")
    parser.add_argument(
        "--quick", action="store_true", help="1,000 people, once, one role: to see that all of it works"
    )
    return parser.parse_args(arguments)


def measure(wanted: argparse.Namespace, folder: Path, started: ExitStack) -> None:
    """Start the servers in ``folder``, measure, print and save."""
    if wanted.only == "fleet":
        measure_fleet(wanted, folder, started)
        return
    redis_url = started.enter_context(servers.redis(folder / "redis"))
    if wanted.only == "routes":
        measure_routes(wanted, folder, redis_url, started)
        return
    workspace = Workspace(started.enter_context(servers.sandbox(folder / "sandbox")))
    databases: list[Databases] = []
    if "sqlite" in wanted.databases:
        databases.append(Sqlite(folder))
    if "postgres" in wanted.databases:
        databases.append(Postgres(started.enter_context(servers.postgres(folder / "postgres"))))
    facts = report.machine([one.version for one in databases])
    print(report.machine_line(facts), flush=True)
    found = report.Report(facts, [])
    for one in databases:
        if wanted.only in (None, "saves"):
            found.saves.append(measure_saves(wanted, folder, one, workspace, redis_url))
        if wanted.only in (None, "sync"):
            found.syncs += measure_syncs(wanted, folder, one, workspace, redis_url)
        if wanted.only in (None, "pages"):
            found.pages += measure_pages(wanted, folder, one, workspace, redis_url)
    if found.syncs:
        print(report.table(report.SYNC_HEADINGS, [report.sync_row(one) for one in found.syncs]))
    if found.saves:
        print(report.table(report.SAVE_HEADINGS, [report.save_row(one) for one in found.saves]))
    if found.pages:
        print(report.table(report.PAGE_HEADINGS, [report.page_row(one) for one in found.pages]))
    print(f"Saved as {report.save(found)}")


def measure_syncs(
    wanted: argparse.Namespace, folder: Path, databases: Databases, workspace: Workspace, redis_url: str
) -> list[Measurement]:
    """Every sync of every size on one kind of database."""
    measured = []
    for people in wanted.sizes or (SIZES[:1] if wanted.quick else SIZES):
        repeats = 1 if wanted.quick else REPEATS_OF_MANY if people >= MANY else REPEATS
        for measurement in syncs.measure(Lab(folder, databases, workspace, redis_url, repeats), people):
            print(report.sync_line(measurement), file=sys.stderr, flush=True)
            measured.append(measurement)
    return measured


def measure_saves(
    wanted: argparse.Namespace, folder: Path, databases: Databases, workspace: Workspace, redis_url: str
) -> saves.Beside:
    """Saves beside an import on one kind of database."""
    people = wanted.sizes[0] if wanted.sizes else SIZES[0] if wanted.quick else SAVED_BESIDE
    repeats = 1 if wanted.quick else REPEATS_OF_MANY
    return saves.measure(Lab(folder, databases, workspace, redis_url, repeats), people)


def measure_pages(
    wanted: argparse.Namespace, folder: Path, databases: Databases, workspace: Workspace, redis_url: str
) -> list[PageMeasurement]:
    """Every page with every number of users on one kind of database."""
    measured = []
    lab = Lab(folder, databases, workspace, redis_url, repeats=1)
    for people in wanted.sizes or (PAGE_SIZES[:1] if wanted.quick else PAGE_SIZES):
        for measurement in pages.measure(lab, people, QUICK_REQUESTS if wanted.quick else REQUESTS):
            print(report.page_line(measurement), file=sys.stderr, flush=True)
            measured.append(measurement)
    return measured


def measure_fleet(wanted: argparse.Namespace, folder: Path, started: ExitStack) -> None:
    """The fleet alone, on each database."""
    size = fleet.Size(wanted.contracts, wanted.people, wanted.big, wanted.imports)
    api_url = started.enter_context(servers.many_workspaces(folder, size.people, size.big))
    postgres_url = (
        started.enter_context(servers.postgres(folder / "postgres"))
        if "postgres" in wanted.databases
        else None
    )
    kinds: list[Databases] = [Sqlite(folder)] if "sqlite" in wanted.databases else []
    if postgres_url is not None:
        kinds.append(Postgres(postgres_url))
    facts = report.machine([one.version for one in kinds])
    print(report.machine_line(facts), flush=True)
    measured: list[fleet.Cycle] = []
    for one in kinds:
        with servers.redis(folder / f"redis-{one.name}") as redis_url:
            for cycle in fleet.measure(folder, one, redis_url, api_url, size):
                print(
                    report.table(report.FLEET_HEADINGS, [report.fleet_row(cycle)]),
                    file=sys.stderr,
                    flush=True,
                )
                measured.append(cycle)
    print(report.table(report.FLEET_HEADINGS, [report.fleet_row(one) for one in measured]))
    print(f"Saved as {report.save(report.Report(facts, [], [], measured))}")


def measure_routes(wanted: argparse.Namespace, folder: Path, redis_url: str, started: ExitStack) -> None:
    """Every route with the largest input that it takes, on each database; 1 when one costs more than it may."""
    kinds: list[Databases] = [Sqlite(folder)] if "sqlite" in wanted.databases else []
    if "postgres" in wanted.databases:
        kinds.append(Postgres(started.enter_context(servers.postgres(folder / "postgres"))))
    facts = report.machine([one.version for one in kinds])
    print(report.machine_line(facts), flush=True)
    measured: list[routes.RouteMeasurement] = []
    for one in kinds:
        for measurement in routes.measure(one.name, one.make(), redis_url, folder, quick=wanted.quick):
            measured.append(measurement)
            if measurement.cpu > routes.LIMIT:
                print(report.route_line(measurement), file=sys.stderr, flush=True)
    print(report.table(report.ROUTE_HEADINGS, report.route_rows(measured)))
    print(report.routes_line(measured))
    print(f"Saved as {report.save(report.Report(facts, [], routes=measured))}")


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _databases(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if not set(names) <= set(DATABASES):
        raise argparse.ArgumentTypeError(f"choose from {', '.join(DATABASES)}")
    return names


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
