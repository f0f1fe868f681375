"""``python -m bench.starts``: how long ``make run`` takes from nothing, and once more on what the first has left.

The packages must be installed already. Wants a quiet machine: the seconds count everybody's work, the CPU seconds only
its own, all its programs together.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.programs import PATIENCE, ROOT, BenchError

READY = "Rollcall is ready at"
AIMS = (("first start", 15.0), ("second start", 8.0))  # seconds until it is ready, packages installed
FIRST_LINE, SILENCE = 2.0, 10.0  # seconds that are aimed at


@dataclass(frozen=True)
class Start:
    """One start and its stop; all in seconds."""

    name: str
    aim: float
    first_line: float
    silence: float  # the longest between two lines, until it is ready
    ready: float
    stop: float
    cpu: float


def main() -> int:
    """Start twice, print a table. 0, or 1 when it did not start."""
    folder = Path(tempfile.mkdtemp(prefix="rollcall-starts-"))
    try:
        port = free_ports()
        starts = [measure(name, aim, folder / "var", port) for name, aim in AIMS]
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(
        f"Python {sys.version.split()[0]}, {len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}"
    )
    print(f"{'':14}{'first line':>12}{'silence':>9}{'ready':>8}{'aim':>6}{'stop':>7}{'CPU':>7}   seconds")
    for one in starts:
        print(
            f"{one.name:14}{one.first_line:12.2f}{one.silence:9.1f}{one.ready:8.1f}{one.aim:6.0f}"
            f"{one.stop:7.1f}{one.cpu:7.1f}"
        )
    print(f"aims: first line {FIRST_LINE:.0f}, silence {SILENCE:.0f}")
    return 0


def measure(name: str, aim: float, data_dir: Path, port: int) -> Start:
    """One start on ``data_dir`` as ``make run`` does it, until it is ready, and its stop."""
    kept = {key: value for key, value in os.environ.items() if not key.endswith("_URL")}
    environ = kept | {"DATA_DIR": str(data_dir), "PORT": str(port), "ROLLCALL_MODE": "demo"}
    before = os.times()
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "launch"],
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        moments = _lines_until_ready(process)
    finally:
        asked = time.monotonic()
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
    ended = time.monotonic()
    after = os.times()
    since = [0.0, *(moment - started for moment in moments)]
    return Start(
        name,
        aim,
        first_line=since[1],
        silence=max(later - earlier for earlier, later in itertools.pairwise(since)),
        ready=since[-1],
        stop=ended - asked,
        cpu=after.children_user + after.children_system - before.children_user - before.children_system,
    )


def _lines_until_ready(process: subprocess.Popen[str]) -> list[float]:
    """The moment of each line, the last being the one that says that it is ready."""
    moments, said = [], []
    for line in process.stdout or ():
        moments.append(time.monotonic())
        said.append(line)
        if READY in line:
            return moments
    raise BenchError(f"it did not start:\n{''.join(said)[-3000:]}")


def free_ports() -> int:
    """The first of three ports in a row that are free now: of the web and the two sandboxes."""
    for first in range(21500, 30000, 10):
        with suppress(OSError):
            for port in range(first, first + 3):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
    raise BenchError("no three free ports in a row were found")


if __name__ == "__main__":
    sys.exit(main())
