"""What a file for spreadsheets holds, however many rows there are, and the file that it becomes as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from webapp.spreadsheets.cells import MARK, csv_lines

Row = Sequence[object]  # a cell is shown as its ``str``; ``None`` is empty


@dataclass(frozen=True)
class Table:
    """A head line and rows, of which one chunk at a time is read and held."""

    title: str  # of the sheet in a workbook
    head: Sequence[str]
    chunks: Iterable[Sequence[Row]]


def as_csv(table: Table) -> Iterator[str]:
    """The file in parts, the first of which is the head line."""
    yield MARK + csv_lines([table.head])
    for rows in table.chunks:
        yield csv_lines(rows)
