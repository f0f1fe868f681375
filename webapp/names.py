"""Names that people type: with single spaces, and without characters that cannot be seen."""

from __future__ import annotations

import unicodedata

UNSEEN = ("Cc", "Cs")  # Unicode categories: control characters and halves of characters


def tidied(text: str | None) -> str:
    """``text`` without spaces around it and with single ones inside."""
    return " ".join((text or "").split())


def name_problem(name: str, low: int, high: int) -> str | None:
    """What is wrong with a tidied name that must have ``low`` to ``high`` characters, or ``None``."""
    if any(unicodedata.category(one) in UNSEEN for one in name):
        return "Take out the characters that cannot be seen."
    if not low <= len(name) <= high:
        return f"Enter a name of {low} to {high} characters."
    return None
