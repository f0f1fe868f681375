"""Start a program for a test, wait until it answers, and end it with all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from launch.processes import parent_death_signal, session_members, signal_session

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Program:
    """A running program; what it says is in ``log``."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def stop(self, number: int = signal.SIGTERM, patience: float = 20.0) -> int:
        """Send ``number``, wait at most ``patience`` seconds, then kill what is left. Returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            if session_members(self.pid):
                signal_session(self.pid, signal.SIGKILL)


def start(
    command: Sequence[str | Path],
    log: Path,
    *,
    environ: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    user: str | None = None,
) -> Program:
    """Start ``command`` in a session of its own; it ends when the test process dies."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=dict(os.environ if environ is None else environ),
            start_new_session=True,
            preexec_fn=parent_death_signal(),
            user=user,
            extra_groups=[] if user else None,
        )
    return Program(process, log)


@contextmanager
def running(
    command: Sequence[str | Path],
    log: Path,
    ready: Callable[[], bool],
    *,
    patience: float = 30.0,
    stop_with: int = signal.SIGTERM,
    environ: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    user: str | None = None,
) -> Iterator[Program]:
    """Start ``command``, give it out once ``ready()`` is true, and end it afterwards."""
    program = start(command, log, environ=environ, cwd=cwd, user=user)
    try:
        wait_until(ready, patience, program)
        yield program
    finally:
        program.stop(stop_with)


def wait_until(ready: Callable[[], bool], patience: float = 30.0, program: Program | None = None) -> None:
    """Return once ``ready()`` is true; AssertionError after ``patience`` seconds or when ``program`` has ended."""
    end = time.monotonic() + patience
    while not ready():
        if program is not None and program.process.poll() is not None:
            raise AssertionError(f"{program.process.args!r} ended early:\n{program.said()[-4000:]}")
        if time.monotonic() > end:
            raise AssertionError(f"not ready after {patience} s\n{program.said()[-4000:] if program else ''}")
        time.sleep(0.02)


def family(pid: int) -> list[psutil.Process]:
    """A process and all its descendants, those that died meanwhile left out."""
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def lives(process: psutil.Process) -> bool:
    """Whether it still runs; one that has ended and is only not yet collected by its parent does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
