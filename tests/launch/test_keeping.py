"""The launcher keeps services running and stops them, whatever is done to it. The services are stand-ins."""

from __future__ import annotations

import os
import re
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.servers.processes import Program, family, lives, start, wait_until
from tests.servers.stack import READY, stack_environ

START = ["first=good", "second=family", "third=good"]


class Run:
    """A make that runs the launcher, in a process group of its own."""

    def __init__(self, folder: Path, services: list[str]) -> None:
        self.data_dir = folder / "data"
        makefile = folder / "Makefile"
        makefile.write_text(
            f"run:\n\t@{sys.executable} -m tests.launch.stand_in {self.data_dir} {' '.join(services)}\n"
        )
        self.make: Program = start(
            ["make", "-f", makefile, "run"],
            folder / "terminal",
            environ=stack_environ(18299, self.data_dir, {}),
        )
        self.seen: set[psutil.Process] = set()

    def wait_until_ready(self) -> None:
        wait_until(lambda: READY in self.said(), 20, self.make)
        self.seen |= set(family(self.make.pid))

    def said(self) -> str:
        return self.make.said()

    def launcher(self) -> psutil.Process:
        return next(
            process for process in family(self.make.pid) if "tests.launch.stand_in" in process.cmdline()
        )

    def pid(self, service: str) -> int:
        return int((self.data_dir / f"{service}.pid").read_text())

    def events(self) -> list[str]:
        return (self.data_dir / "events").read_text().splitlines()

    def chatted(self) -> int:
        """How many lines the chatty one has said."""
        return int((self.data_dir / "said").read_text() or 0)

    def all_gone(self) -> bool:
        return not any(lives(process) for process in self.seen)


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def begin(*services: str) -> Run:
        runs.append(Run(tmp_path, list(services)))
        return runs[-1]

    yield begin
    for run in runs:
        run.make.stop()


def test_starts_in_order_and_tells_all_to_stop_at_once(begin: Callable[..., Run]) -> None:
    run = begin("first=good", "second=good", "third=good")
    run.wait_until_ready()
    assert sorted(run.events()) == ["start first", "start second", "start third"]
    os.kill(run.launcher().pid, signal.SIGTERM)
    wait_until(run.all_gone)
    ended = run.events()[3:]
    assert sorted(ended) == [
        f"{what} {name}" for what in ("end", "term") for name in ("first", "second", "third")
    ]


def test_a_slow_service_does_not_keep_the_others_from_being_told(begin: Callable[..., Run]) -> None:
    run = begin("first=good", "second=good", "third=busy")
    run.wait_until_ready()
    os.kill(run.launcher().pid, signal.SIGTERM)
    wait_until(run.all_gone)
    assert run.events()[-1] == "end third"


WAYS = {
    "SIGTERM to make": lambda run: os.kill(run.make.pid, signal.SIGTERM),
    "SIGINT to make": lambda run: os.kill(run.make.pid, signal.SIGINT),
    "SIGKILL to make": lambda run: os.kill(run.make.pid, signal.SIGKILL),
    "SIGTERM to the launcher": lambda run: run.launcher().terminate(),
    "SIGINT to the launcher": lambda run: run.launcher().send_signal(signal.SIGINT),
    "SIGKILL to the launcher": lambda run: run.launcher().kill(),
    "Ctrl-C": lambda run: os.killpg(run.make.pid, signal.SIGINT),
    "SIGTERM to the group": lambda run: os.killpg(run.make.pid, signal.SIGTERM),
    "SIGHUP to the group": lambda run: os.killpg(run.make.pid, signal.SIGHUP),
    "SIGKILL to the group": lambda run: os.killpg(run.make.pid, signal.SIGKILL),
}


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_left(begin: Callable[..., Run], way: str) -> None:
    run = begin(*START)
    run.wait_until_ready()
    assert len(run.seen) == 7  # make, launcher, guard, three services and the child of one
    assert (run.data_dir / "running.json").stat().st_mode & 0o777 == 0o600
    WAYS[way](run)
    wait_until(run.all_gone, 20)
    wait_until(lambda: not (run.data_dir / "running.json").exists())


def test_what_dies_is_started_again_without_its_left_over_children(begin: Callable[..., Run]) -> None:
    run = begin(*START)
    run.wait_until_ready()
    old, orphan = run.pid("second"), psutil.Process(int((run.data_dir / "second.child").read_text()))
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: run.pid("second") != old)
    assert not lives(orphan)
    assert "second ended (signal SIGKILL); starting it again" in run.said()
    assert run.said().count(READY) == 1
    run.launcher().terminate()
    assert run.make.process.wait(20) == 0


def test_what_cannot_start_stops_everything(begin: Callable[..., Run]) -> None:
    run = begin("first=good", "second=broken")
    wait_until(lambda: (run.data_dir / "first.pid").exists(), 20, run.make)
    run.seen |= set(family(run.make.pid))
    assert run.make.process.wait(30) != 0
    assert run.all_gone()
    assert READY not in run.said()
    assert "rollcall:   second has nothing to live on" in run.said()
    assert re.search(
        r"^rollcall: second ended 5 times before it was up .*exit code 3", run.said(), re.MULTILINE
    )


def test_a_busy_service_gets_a_second_signal_and_a_stubborn_one_is_killed(begin: Callable[..., Run]) -> None:
    run = begin("first=stubborn", "second=busy")
    run.wait_until_ready()
    run.launcher().terminate()
    wait_until(run.all_gone, 20)
    ended = run.events()[2:]  # of two that are stopped together, either may be first
    assert sorted(ended) == ["end second", "term first", "term first", "term second", "term second"]
    assert [event for event in ended if "second" in event] == ["term second", "term second", "end second"]


def test_output_goes_to_logs_and_warnings_to_the_terminal(begin: Callable[..., Run]) -> None:
    run = begin("first=good")
    run.wait_until_ready()
    wait_until(lambda: "first: WARNING it is quiet here" in run.said())
    assert (run.data_dir / "log" / "first.log").read_text() == "WARNING it is quiet here\n"


def test_it_says_what_it_waits_for_at_the_start_and_at_the_end(begin: Callable[..., Run]) -> None:
    run = begin("first=good", "second=late", "third=stubborn")
    wait_until(lambda: "  still waiting for second; what is said there is in " in run.said(), 20, run.make)
    (run.data_dir / "go").touch()
    run.wait_until_ready()
    run.launcher().terminate()
    wait_until(lambda: "  still waiting for third to end" in run.said(), 20)
    wait_until(run.all_gone, 20)
    lines = run.said().splitlines()
    assert lines[0] == "Starting first, second and third ..."
    assert "".join(lines).index("  still waiting for second") < "".join(lines).index(READY)
    assert lines.index("Stopping ...") > lines.index(f"{READY} http://127.0.0.1:18299")
    assert lines[-1] == "Stopped."


def test_B2_a_full_disk_stops_nothing_and_is_told_once_there_is_room(begin: Callable[..., Run]) -> None:
    """No byte may be added to any file by the launcher: its logs, and here its terminal as well."""
    run = begin("first=chatty", "second=good")
    run.wait_until_ready()
    before = (run.data_dir / "log" / "first.log").stat().st_size
    launcher = run.launcher().pid
    resource.prlimit(launcher, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    full_at = run.chatted()
    wait_until(lambda: run.chatted() > full_at + 2000, 60, run.make)  # far more than a pipe holds
    after = (run.data_dir / "log" / "first.log").stat().st_size
    assert after < before + 1_000_000
    resource.prlimit(launcher, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    log = run.data_dir / "log" / "first.log"
    wait_until(lambda: b" could not be written here\n" in log.read_bytes(), 20, run.make)
    run.launcher().terminate()
    assert run.make.process.wait(20) == 0
    note = re.search(
        r"^rollcall: (\d+) lines could not be written here\nline (\d+) ", log.read_text(), re.MULTILINE
    )
    assert note is not None
    assert int(note[1]) >= 1000
    assert f"{log} can be written again; without {note[1]} lines in between" in run.said()
    assert "Traceback" not in run.said()
    assert run.said().splitlines()[-1] == "Stopped."


def test_B2_it_ends_in_good_order_while_the_disk_is_full(begin: Callable[..., Run]) -> None:
    run = begin("first=chatty", "second=good")
    run.wait_until_ready()
    launcher = run.launcher()
    resource.prlimit(launcher.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    full_at = run.chatted()
    wait_until(lambda: run.chatted() > full_at + 200, 60, run.make)
    launcher.terminate()
    assert run.make.process.wait(20) == 0
    assert sorted(run.events()[2:]) == ["end first", "end second", "term first", "term second"]
    assert "Traceback" not in run.said()
    assert "Exception ignored" not in run.said()
    assert not (run.data_dir / "running.json").exists()
