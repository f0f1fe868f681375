"""Text from a platform as it may be stored and shown."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

MAX_COLUMN_VALUE = 255  # characters
MAX_COLUMN_NAME = 100

# What turns the reading direction of whatever follows it: a name could show as another one.
DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean(text: str | None) -> str | None:
    """``text`` as one trimmed line that shows what it is; ``None`` when nothing of it can be seen.

    Control characters become spaces; marks of direction and half characters (no database takes them) go.
    """
    if text is None:
        return None
    if not text.isprintable():
        text = "".join(_shown(char) for char in text)
        if not any(unicodedata.category(char)[0] not in "CZ" for char in text):
            return None
    return " ".join(text.split()) or None


def _shown(char: str) -> str:
    """What stands for ``char``; joiners between letters and within emoji stay."""
    kind = unicodedata.category(char)
    if kind == "Cc":
        return " "
    return "" if kind == "Cs" or char in DIRECTIONS else char


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
