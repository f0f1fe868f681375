"""The rows of a file as they would be stored, and the keys that they are compared by: each made once. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from webapp.core.match_keys import match_key
from webapp.core.text import clean
from webapp.people.uploads.columns import SET_UP
from webapp.people.uploads.parse import Line, Sheet

NUMBERS_KEPT = 4  # of the rows with one value: a sentence names three beside its own
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u2060\ufeff"))
_KEYED = ("username", "email", "third_party_id")


@dataclass(frozen=True)
class Row:
    """A line, its values by column (always with a name), and the keys of those that say who somebody is."""

    line: Line
    cells: dict[str, str]
    keys: dict[str, str]


class Sharing:
    """The rows that have the same value: how many they are, and the numbers of the first ones."""

    def __init__(self) -> None:
        self._count: dict[str, int] = defaultdict(int)
        self._first: dict[str, list[int]] = defaultdict(list)

    def add(self, key: str, number: int) -> None:
        self._count[key] += 1
        if len(self._first[key]) < NUMBERS_KEPT:
            self._first[key].append(number)

    def others(self, key: str, number: int) -> tuple[int, list[int]]:
        """How many rows but row ``number`` have it, and the first of them."""
        return self._count[key] - 1, [row for row in self._first[key] if row != number]

    @property
    def keys(self) -> set[str]:
        return set(self._count)


class Rows:
    """All rows of a sheet, with who shares a username or email, and who a third-party ID."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.rows = [_row(sheet, line) for line in sheet.lines]
        self.named = Sharing()  # a username and an email are one kind of name
        self.third_party = Sharing()
        for row in self.rows:
            for key in {row.keys.get("username"), row.keys.get("email")} - {None}:
                self.named.add(key or "", row.line.number)
            if third_party := row.keys.get("third_party_id"):
                self.third_party.add(third_party, row.line.number)


def _row(sheet: Sheet, line: Line) -> Row:
    cells = {
        column: (cell.strip() if column in SET_UP else clean(cell.translate(_INVISIBLE)) or "")
        for column, cell in zip(sheet.columns, line.cells, strict=True)
    }
    cells.setdefault("name", "")
    keys = {column: match_key(cells[column]) for column in _KEYED if column in cells}
    return Row(line, cells, {column: key for column, key in keys.items() if key})
