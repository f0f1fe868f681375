"""The identifier columns seen in the last fetch, worded for the page. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ColumnRow:
    """One column. ``usable``: enough people have it, and every value is different, so it can tell them apart."""

    name: str
    filled: str
    unique: bool
    repeats: int
    distinct: int
    example: str
    usable: bool
    why_not: str | None


def column_rows(seen: list[dict[str, Any]]) -> list[ColumnRow]:
    """Rows for what :func:`webapp.sync.plan.columns.describe` found."""
    rows = []
    for column in seen:
        filled, total, distinct = column["filled"], column["total"], column["distinct"]
        unique = filled == distinct
        why_not = None if unique else "Not unique"
        if 2 * filled < total:
            why_not = "Too few have it"
        rows.append(
            ColumnRow(
                name=column["name"],
                filled=f"{100 * filled // total}%" if 100 * filled >= total else f"{filled:,} of {total:,}",
                unique=unique,
                repeats=filled - distinct,
                distinct=distinct,
                example=column["example"],
                usable=why_not is None,
                why_not=why_not,
            )
        )
    return rows
