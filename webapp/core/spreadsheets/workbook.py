"""Excel workbooks in which every cell is text: no formula, no link, no number that loses its zeros.

https://xlsxwriter.readthedocs.io/working_with_memory.html: ``constant_memory`` keeps one row in memory and the others
in a file, so the rows are written in their order and a cell holds its text itself.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from typing import IO, Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from webapp.core.spreadsheets.table import Row, Table

ROWS = 1_048_575  # of a sheet, below its head; more go on the next sheet
CELL = 32_767  # UTF-16 units that a cell can hold
CUT = "… (cut off here; the CSV file has all of it)"
WIDTHS = (10, 60)  # narrowest and widest column, in characters
PART = 64 * 1024  # bytes
AS_TEXT = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


class _PlainSheet(Worksheet):
    """A sheet for which a text is never markup. The library takes ``<r>…</r>`` for some that it wrote itself."""

    def _xml_rich_inline_string(self, string: str, attributes: Any) -> None:
        self._xml_inline_string(string, True, attributes)


def as_workbook(table: Table) -> IO[bytes]:
    """The whole workbook in a file without a name, at its beginning. Whoever is given it closes it."""
    # The file is closed by who sends it; when this breaks off, at once.
    packed = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        with tempfile.TemporaryDirectory(prefix="rollcall-workbook-") as folder:
            book = xlsxwriter.Workbook(packed, {**AS_TEXT, "tmpdir": folder})
            _fill(book, table)
            book.close()
        packed.seek(0)
    except BaseException:
        packed.close()
        raise
    return packed


def parts_of(packed: IO[bytes]) -> Iterator[bytes]:
    """The file in parts; closed at its end, or when nobody asks on."""
    with packed:
        while part := packed.read(PART):
            yield part


def _fill(book: xlsxwriter.Workbook, table: Table) -> None:
    sheet = _Sheet(book, table.title, table.head)
    for rows in table.chunks:
        for row in rows:
            if sheet.rows == ROWS:
                sheet.end()
                sheet = _Sheet(book, f"{table.title} {len(book.worksheets()) + 1}", table.head)
            sheet.add(row)
    sheet.end()


class _Sheet:
    """One sheet, filled from above; its head stays in sight."""

    def __init__(self, book: xlsxwriter.Workbook, title: str, head: Sequence[str]) -> None:
        self.rows = 0
        self._widths = [WIDTHS[0]] * len(head)
        self._sheet = book.add_worksheet(title, worksheet_class=_PlainSheet)
        self._text = book.add_format({"num_format": "@"})  # stays text when somebody edits the cell
        self._sheet.set_column(0, len(head) - 1, None, self._text)
        self._sheet.freeze_panes(1, 0)
        bold = book.add_format({"bold": True, "num_format": "@"})
        for column, cell in enumerate(head):
            self._sheet.write_string(0, column, cell, bold)
            self._widths[column] = max(self._widths[column], len(cell) + 2)

    def add(self, row: Row) -> None:
        self.rows += 1
        for column, cell in enumerate(row):
            text = "" if cell is None else str(cell)
            if text:
                self._sheet.write_string(self.rows, column, _fitting(text))
                self._widths[column] = max(self._widths[column], min(len(text) + 1, WIDTHS[1]))

    def end(self) -> None:
        """Make each column as wide as its longest text, within :data:`WIDTHS`."""
        for column, width in enumerate(self._widths):
            self._sheet.set_column(column, column, width, self._text)


def _fitting(text: str) -> str:
    """``text``, or as much of it as any cell can hold with the words that say so."""
    if 2 * len(text) <= CELL or len(text.encode("utf-16-le")) // 2 <= CELL:
        return text
    return text[: CELL // 2 - len(CUT)] + CUT
