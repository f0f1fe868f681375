"""Names that people type: with single spaces, and without characters that cannot be seen."""

from __future__ import annotations

import unicodedata

from webapp.core.match_keys import match_key

# Control characters, marks that format or turn the text around them, and halves of characters
UNSEEN = ("Cc", "Cf", "Cs")
PARTS = "\u200c\u200d\ufe0e\ufe0f"  # join and choose the shapes of letters in some scripts, and of emoji
FILLERS = (
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"  # letters, marks and signs that are drawn as nothing
)
MARKS = ("Mn", "Me", "Mc")  # drawn upon the character before them


def tidied(text: str | None) -> str:
    """``text`` without spaces around it and with single ones inside."""
    return " ".join((text or "").split())


def name_problem(name: str, low: int, high: int) -> str | None:
    """What is wrong with a tidied name that must have ``low`` to ``high`` characters, or ``None``."""
    if any(map(_is_unseen, name)) or (name and not any(map(_is_drawn, name))):
        return "Take out the characters that cannot be seen."
    if not low <= len(name) <= high:
        return f"Enter a name of {low} to {high} characters."
    return None


def look_key(name: str) -> str | None:
    """Equal for names that are told apart by nothing but case, width, or what cannot be seen."""
    if name.isascii():
        return match_key(name)
    return match_key("".join(char for char in name if char not in PARTS and not _is_unseen(char)))


def _is_unseen(char: str) -> bool:
    return (unicodedata.category(char) in UNSEEN and char not in PARTS) or char in FILLERS


def _is_drawn(char: str) -> bool:
    return char not in PARTS and unicodedata.category(char) not in MARKS
