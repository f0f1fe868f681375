"""What the database holds that nobody could see, or that another database would not take."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator
from typing import Any

import sqlalchemy as sa
from flask import Flask

from webapp.core.models import db
from webapp.core.text import DIRECTIONS


def wrong_texts(app: Flask, tables: Collection[str] = ()) -> list[str]:
    """Stored texts that do not fit their column, or hold control characters, halves of characters or marks that turn
    the reading direction; of all tables, or of those named."""
    with app.app_context(), db.engine.connect() as connection:
        return [
            f"{table.name}.{column.name}: {text[:40]!r} {reason}"
            for table in db.metadata.sorted_tables
            if not tables or table.name in tables
            for row in connection.execute(sa.select(table)).mappings()
            for column in table.columns
            for text in _texts_in(row[column.name])
            if (reason := _wrong_with(text, getattr(column.type, "length", None)))
        ]


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts_in([*value, *value.values()])
    elif isinstance(value, list):
        for item in value:
            yield from _texts_in(item)


def _wrong_with(text: str, most: int | None) -> str:
    if most is not None and len(text) > most:
        return f"has {len(text)} characters of {most}"
    for char in text:
        kind = unicodedata.category(char)
        if (kind in ("Cc", "Cs") and char not in "\n\t") or char in DIRECTIONS:
            return f"holds {char!r}"
    return ""
