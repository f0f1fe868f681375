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


def defused(cell: object) -> str:
    """``cell`` as text; one that a spreadsheet would run begins with an apostrophe, which shows it as text.

    One that begins with apostrophes and then so gets another, so that :func:`restored` finds what there was.
    """
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.lstrip("'").startswith(STARTS) else text


def restored(cell: str) -> str:
    """What :func:`defused` was given."""
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(STARTS) else cell


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """The rows as CSV, each ended by CR LF."""
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerows([defused(cell) for cell in row] for row in rows)
    return written.getvalue()
