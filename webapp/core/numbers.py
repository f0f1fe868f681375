"""Whole numbers in what a browser sends: in forms, in addresses, in what is packed into one field.

A text is read only as far as a number of that size can be long: turning digits into a number takes a time that grows
with the square of how many there are, and Python refuses more than 4,300.
"""

from __future__ import annotations

from typing import Any

LARGEST = 2**63 - 1  # what a database can hold
ID_DIGITS = len(str(LARGEST))


def whole(text: Any, *, least: int = 0, most: int = LARGEST) -> int | None:
    """The number from ``least`` to ``most`` that ``text`` is, in plain digits; ``None`` for anything else."""
    if not isinstance(text, str) or not (text.isascii() and text.isdigit()) or len(text) > ID_DIGITS:
        return None
    number = int(text)
    return number if least <= number <= most else None


def id_in(text: Any) -> int | None:
    """The ID that ``text`` is; ``None`` for what can be nobody's and nothing's."""
    return whole(text, least=1)


def id_of_choice(value: Any) -> int:
    """The ID in a choice of a form. Raises ``ValueError``, which WTForms takes for a choice that there is not."""
    number = value if isinstance(value, int) else id_in(value)
    if number is None:
        raise ValueError("not an ID")
    return number


def id_or_none(value: Any) -> int | None:
    """The same for a drop-down whose first choice, an empty text, is none."""
    return None if value in ("", None) else id_of_choice(value)
