"""Text as it may be stored and shown, wherever it came from."""

from __future__ import annotations

import unicodedata

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
