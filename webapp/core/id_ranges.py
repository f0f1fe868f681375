"""Many IDs: in chunks for statements, and as a short text of ranges."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

CHUNK = 5_000  # users in one statement


def chunks(ids: Sequence[int]) -> list[list[int]]:
    """``ids`` in ascending order, in lists of at most :data:`CHUNK`."""
    ordered = sorted(ids)
    return [ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK)]


def ranges(ids: Sequence[int]) -> str:
    """All IDs as short text: “4-17, 20”."""
    ordered = sorted(ids)
    if not ordered:
        return ""
    starts = [ordered[0], *(after for before, after in pairwise(ordered) if after != before + 1)]
    ends = [*(before for before, after in pairwise(ordered) if after != before + 1), ordered[-1]]
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))


def ids_in(text: str) -> list[int]:
    """The IDs in what :func:`ranges` wrote, ascending."""
    ids: list[int] = []
    for part in text.split(", ") if text else []:
        first, _, last = part.partition("-")
        ids += range(int(first), int(last or first) + 1)
    return ids
