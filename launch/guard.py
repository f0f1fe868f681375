"""A small second process that ends everything when the launcher is killed before it can do so itself.

The launcher tells it through a pipe which sessions it has started and which have ended. The end of the pipe without
"done" means that the launcher is gone: what still runs is asked to end, then killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from launch.processes import session_members, signal_session

PATIENCE = 5.0  # seconds between asking and killing


class Guard:
    """The launcher's end of the pipe. Fork it before threads and event loops exist."""

    def __init__(self, leftovers: tuple[Path, ...]) -> None:
        """Fork the guard; it removes the files ``leftovers`` if it has to act."""
        reading, self._writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._writing)
            try:
                _watch(reading, leftovers)
            finally:
                os._exit(0)
        os.close(reading)

    def started(self, session: int) -> None:
        self._tell(f"+{session}")

    def ended(self, session: int) -> None:
        self._tell(f"-{session}")

    def dismiss(self) -> None:
        """All has ended in good order; wait for the guard to leave."""
        self._tell("done")
        os.close(self._writing)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def _tell(self, word: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # without a guard the launcher goes on as before
            os.write(self._writing, f"{word}\n".encode())


def _watch(reading: int, leftovers: tuple[Path, ...]) -> None:
    os.setsid()  # a signal to the launcher's whole group must not end the guard too
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    sessions: list[int] = []
    with os.fdopen(reading) as pipe:
        for line in pipe:
            word = line.strip()
            if word == "done":
                return
            if word[0] == "+":
                sessions.append(int(word[1:]))
            elif int(word[1:]) in sessions:
                sessions.remove(int(word[1:]))
    end_sessions(sessions)
    for path in leftovers:
        path.unlink(missing_ok=True)


def end_sessions(sessions: list[int], patience: float = PATIENCE) -> None:
    """Ask all processes of the sessions to end; kill those that have not after ``patience`` seconds."""
    for session in reversed(sessions):
        signal_session(session, signal.SIGTERM)
    end = time.monotonic() + patience
    while any(session_members(session) for session in sessions) and time.monotonic() < end:
        time.sleep(0.1)
    for session in sessions:
        signal_session(session, signal.SIGKILL)
