"""Which identifier columns a platform's people have, and how fit each is to tell them apart. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from webapp.sync.keys import match_key

MAX_COLUMNS = 50


def describe(people: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
    """One entry a column: name, filled (people with a value), total, distinct (matching forms) and an example.

    The most useful first: filled for all and unique, then by how many have it, then by how many differ.
    """
    seen: dict[str, set[str]] = defaultdict(set)
    filled: dict[str, int] = defaultdict(int)
    example: dict[str, str] = {}
    total = 0
    for columns in people:
        total += 1
        for name, value in columns.items():
            key = match_key(value)
            if key is None:
                continue
            filled[name] += 1
            seen[name].add(key)
            example.setdefault(name, value)

    def rank(name: str) -> tuple[bool, int, float, str]:
        whole = filled[name] == total == len(seen[name])
        return not whole, -filled[name], -len(seen[name]) / filled[name], name

    best_first = sorted(filled, key=rank)
    return [
        {
            "name": name,
            "filled": filled[name],
            "total": total,
            "distinct": len(seen[name]),
            "example": example[name][:80],
        }
        for name in best_first[:MAX_COLUMNS]
    ]
