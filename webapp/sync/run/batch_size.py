"""How many steps one transaction writes."""

from __future__ import annotations

from dataclasses import dataclass

# A batch holds its locks for about so many seconds, as a save in the web has to wait for that. Larger ones write the
# same index pages less often.
SECONDS = 0.2
LEAST = 10  # a slow machine goes down to this part of the size that is set
MOST = 5


@dataclass(frozen=True)
class Batches:
    """``first`` steps, then at least ``least`` at a time, and up to ``most`` while nobody has to wait long for them."""

    least: int
    most: int
    first: int

    @classmethod
    def growing_from(cls, size: int) -> Batches:
        """``size`` first, then from a :data:`LEAST`-th of it to :data:`MOST` times as many."""
        return cls(max(1, size // LEAST), MOST * size, size)

    @classmethod
    def always(cls, size: int) -> Batches:
        """``size`` at a time, however long that takes."""
        return cls(size, size, size)

    def after(self, size: int, seconds: float) -> int:
        """How many steps follow a batch of ``size`` that took ``seconds``: at most twice as many."""
        fitting = 2.0 * size if seconds * 2 <= SECONDS else size * SECONDS / seconds
        return max(self.least, min(int(fitting), self.most))
