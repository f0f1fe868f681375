"""The sandbox's clock, which a test may move."""

from __future__ import annotations

import threading
import time


class Clock:
    """Unix seconds. Moving it lets codes expire; it does not touch rate limits, which clients time themselves."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        return time.time() + self._offset

    def advance(self, seconds: float) -> float:
        """Move by ``seconds``; returns how far it is ahead of the real time now."""
        with self._lock:
            self._offset += seconds
            return self._offset

    def reset(self) -> None:
        with self._lock:
            self._offset = 0.0
