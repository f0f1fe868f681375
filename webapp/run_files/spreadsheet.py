"""CSV that spreadsheets open as it is: RFC 4180, UTF-8 with a byte order mark, no cell that is a formula. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

MARK = "\ufeff"  # without it Excel reads names with accents as nonsense
STARTS = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "＝",
    "＋",
    "－",
    "＠",
)  # what spreadsheets take for a formula
QUOTE = "'"


def defused(cell: object) -> str:
    """``cell`` as text; one that a spreadsheet would run begins with an apostrophe, which shows it as text.

    So does one that begins with an apostrophe anyway: whoever takes one away from each that begins so has the values.
    """
    text = "" if cell is None else str(cell)
    return f"{QUOTE}{text}" if text.startswith((*STARTS, QUOTE)) else text


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """The rows as CSV, each ended by CR LF."""
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerows([defused(cell) for cell in row] for row in rows)
    return written.getvalue()
