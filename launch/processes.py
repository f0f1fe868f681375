"""Small facts about processes: ending with the parent, sessions, and what a parent is doing.

The facts read from /proc are of Linux; elsewhere they are simply not known, and the guard
(:mod:`launch.guard`) still ends what is left by process group.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def parent_death_signal(number: int = signal.SIGTERM) -> Callable[[], None]:
    """A function for the child side of a fork: it asks the kernel for ``number`` when the parent dies.

    The kernel ties this to the thread that forked (man 2 prctl), so fork from the main thread.
    """
    if not sys.platform.startswith("linux"):
        return lambda: None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # it died before we asked
            os.kill(os.getpid(), number)

    return ask


def end_with_parent(number: int = signal.SIGTERM) -> int:
    """Ask the kernel to send this process ``number`` when its parent dies; returns the parent's id."""
    parent = os.getppid()
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number))
    return parent


def session_members(session: int) -> list[int]:
    """Ids of the live processes of a session (zombies not counted), in no order. Empty where /proc is missing."""
    members = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if fields[0] not in "ZX" and int(fields[3]) == session:
                members.append(int(entry.name))
    return members


def signal_session(session: int, number: int) -> None:
    """Send ``number`` to every process of a session, whichever process groups it has made."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(session, number)
    for pid in session_members(session):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def caught_signals(pid: int) -> int:
    """Bit mask of the signals a process handles (bit n-1 is signal n, man 5 proc); 0 if that is not known."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("SigCgt:"):
                return int(line.split()[1], 16)
    return 0
