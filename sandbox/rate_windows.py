"""Rate limits counted in fixed windows of a few seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass


@dataclass(frozen=True)
class Allowance:
    """What is left of a window. ``reset`` is its end in Unix seconds."""

    allowed: bool
    limit: int
    remaining: int
    reset: int


class RateWindows:
    """``limit`` calls for each key and window of ``seconds``; windows begin at multiples of ``seconds``."""

    def __init__(self, limit: int, seconds: int, now: Callable[[], float] = time.time) -> None:
        self.seconds = seconds
        self.limit = self._first_limit = limit
        self._now = now
        self._lock = threading.Lock()
        self._window = 0
        self._used: dict[Hashable, int] = {}

    def take(self, key: Hashable) -> Allowance:
        """Count one call. A refused call does not count."""
        with self._lock:
            window = int(self._now()) // self.seconds
            if window != self._window:
                self._window = window
                self._used.clear()
            used = self._used.get(key, 0)
            allowed = used < self.limit
            if allowed:
                self._used[key] = used = used + 1
            return Allowance(allowed, self.limit, max(0, self.limit - used), (window + 1) * self.seconds)

    def reset(self, limit: int | None = None) -> None:
        """Forget all calls and set the limit, by default the first one."""
        with self._lock:
            self.limit = self._first_limit if limit is None else limit
            self._used.clear()
