"""The identifier columns seen in the last fetch, worded for the page. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ColumnRow:
    """One column. ``usable``: every value it has is different, so it can tell people apart."""

    name: str
    filled_percent: int
    unique: bool
    repeats: int
    distinct: int
    example: str
    usable: bool
    why_not: str | None


def column_rows(seen: list[dict[str, Any]]) -> list[ColumnRow]:
    """Rows for what :func:`webapp.sync.columns.describe` found."""
    rows = []
    for column in seen:
        filled, total, distinct = column["filled"], column["total"], column["distinct"]
        unique = filled == distinct
        why_not = None if unique else "Not unique"
        rows.append(
            ColumnRow(
                name=column["name"],
                filled_percent=100 * filled // total if total else 0,
                unique=unique,
                repeats=filled - distinct,
                distinct=distinct,
                example=column["example"],
                usable=unique,
                why_not=why_not,
            )
        )
    return rows
