"""Which identifier columns a platform's people have, and how fit each is to tell them apart. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from webapp.core.match_keys import match_key

MAX_COLUMNS = 50


def describe(people: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
    """One entry a column: name, filled (people with a value), total, distinct (matching forms) and an example.

    The most useful first: filled for all and unique, then by how many have it, then by how many differ.
    """
    values: dict[str, list[str]] = defaultdict(list)
    total = 0
    for columns in people:
        total += 1
        for name, value in columns.items():
            values[name].append(value)
    seen: dict[str, set[str]] = {}
    filled: dict[str, int] = {}
    example: dict[str, str] = {}
    for name, found in values.items():
        keys = [key for key in map(match_key, found) if key is not None]
        if keys:
            seen[name], filled[name] = set(keys), len(keys)
            example[name] = next(value for value in found if match_key(value) is not None)

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
