"""How many passwords a process looks at at once, so that signing in never takes all of its threads and cores.

Looking at one takes a tenth of a second of a core, by design. One is looked at at a time; as many wait as leave half of
the threads to pages; who comes on top is asked to come again, at once and before anything is counted or written.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from config import Settings

AT_ONCE = 1
PATIENCE = 10.0  # seconds for those few before; longer only where the machine itself stands still
COME_AGAIN = 3  # seconds


class Busy(Exception):
    """Too many passwords are being looked at in this process; come again in :data:`COME_AGAIN` seconds."""

    words = "Many people are signing in at this moment. Nothing was changed. Try again in a few seconds."
    headers: dict[str, str] = {"Retry-After": str(COME_AGAIN)}  # noqa: RUF012 - never written to


class Gate:
    """Places for those who have a password looked at or wait for it, and turns among them."""

    def __init__(self, threads: int) -> None:
        self._inside = threading.local()
        self.resize(threads)

    def resize(self, threads: int) -> None:
        """Leave half of ``threads`` to others."""
        self._places = threading.Semaphore(max(1, threads // 2))
        self._turns = threading.Semaphore(AT_ONCE)

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for this thread until the end of the block, which may take several turns. Raises :class:`Busy`."""
        if getattr(self._inside, "yes", False):
            yield
            return
        places = self._places
        if not places.acquire(blocking=False):
            raise Busy
        self._inside.yes = True
        try:
            yield
        finally:
            self._inside.yes = False
            places.release()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Look at one password. Raises :class:`Busy`."""
        turns = self._turns
        with self.place():
            if not turns.acquire(timeout=PATIENCE):
                raise Busy
            try:
                yield
            finally:
                turns.release()


gate = Gate(threads=8)


def init_app(settings: Settings) -> None:
    """Fit the gate of this process to the threads that it serves with."""
    gate.resize(settings.web_threads)
