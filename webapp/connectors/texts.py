"""Text from a platform as it may be stored and shown."""

from __future__ import annotations

import unicodedata
from typing import Any

MAX_COLUMN_VALUE = 255  # characters
MAX_COLUMN_NAME = 100


def clean(text: str | None) -> str | None:
    """``text`` trimmed and without control characters (no database or page wants them); ``None`` when empty."""
    if text is None:
        return None
    if not text.isprintable():
        text = "".join(char for char in text if unicodedata.category(char) not in ("Cc", "Cs"))
    return text.strip() or None


def column_value(value: Any) -> str | None:
    """``value`` as an identifier: short text or a whole number; ``None`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = clean(str(value))
    return text if text and len(text) <= MAX_COLUMN_VALUE else None
