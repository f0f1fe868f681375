"""How many steps one transaction writes."""

from __future__ import annotations

from dataclasses import dataclass

# A batch holds its locks for about so many seconds. Larger ones write the same index pages less often.
SECONDS = 0.25
MOST = 5


@dataclass(frozen=True)
class Batches:
    """At least ``least`` steps at a time, and up to ``most`` while nobody has to wait long for them."""

    least: int
    most: int

    @classmethod
    def growing_from(cls, least: int) -> Batches:
        """From ``least`` to :data:`MOST` times as many."""
        return cls(least, MOST * least)

    def after(self, size: int, seconds: float) -> int:
        """How many steps follow a batch of ``size`` that took ``seconds``: at most twice as many."""
        fitting = 2.0 * size if seconds * 2 <= SECONDS else size * SECONDS / seconds
        return max(self.least, min(int(fitting), self.most))
