"""How long a platform is waited for.

Each call has its own limits; these two are for everything that is read from an account in one go, so that a list of
many slow pages ends as well. A list that arrives, however large, has all the time; one that does not is given up.
"""

from __future__ import annotations

import time
from collections.abc import Callable

PROGRESS = 64 * 1024  # bytes; so much more of an answer counts as progress, a drip does not


class Patience:
    """Seconds left: ``stall`` since the last progress, ``whole`` since the first call."""

    def __init__(self, stall: float, whole: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._stall = stall
        self._whole = whole
        self._clock = clock
        self._began: float | None = None
        self._moved = 0.0
        self._bytes = 0

    def begin(self) -> None:
        """A call is about to be made. The time in between, in which we were at work, was not the platform's."""
        self._moved = self._clock()
        self._bytes = 0
        if self._began is None:
            self._began = self._moved

    def arrived(self, size: int) -> bool:
        """Note ``size`` further bytes; whether that is progress."""
        self._bytes += size
        if self._bytes < PROGRESS:
            return False
        self._moved, self._bytes = self._clock(), 0
        return True

    def left(self) -> float:
        """Seconds until the platform is given up; 0 or less when that is now."""
        now = self._clock()
        began = now if self._began is None else self._began
        return min(self._moved + self._stall, began + self._whole) - now
