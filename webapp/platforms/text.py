"""Text from a platform as it may be stored and shown."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from webapp.core.text import clean

MAX_COLUMN_VALUE = 255  # characters
MAX_COLUMN_NAME = 100


def some_of(names: Sequence[str], most: int = 3) -> str | None:
    """The first ``most`` names and how many more there are, at most 255 characters; ``None`` for no names."""
    if not names:
        return None
    text = ", ".join(name[:60] for name in names[:most])
    return f"{text} and {len(names) - most:,} more" if len(names) > most else text


@lru_cache(maxsize=1_000)
def column_name(name: str) -> str | None:
    """The name of a field as a column: short clean text; ``None`` for anything else.

    The same few names come in every record.
    """
    text = clean(name)
    return text if text and len(text) <= MAX_COLUMN_NAME else None


def column_value(value: Any) -> str | None:
    """``value`` as an identifier: short text or a whole number; ``None`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = clean(str(value))
    return text if text and len(text) <= MAX_COLUMN_VALUE else None
