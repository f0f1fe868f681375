"""CSV that spreadsheets open as it is: RFC 4180, UTF-8 with a byte order mark, no cell that is a formula. Pure.

Whoever opens a file picks the separator, not the file. A name ``x;=1+1`` is one cell where commas separate and two
where semicolons do, and the second would run. So each place at which *some* separator lets a cell begin is guarded:
the beginning of the text, and what follows a separator or a line break inside it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

MARK = "\ufeff"  # without it Excel reads names with accents as nonsense
SEPARATORS = ",;\t|"
SIGNS = "=+-@\t\r\n＝＋－＠"  # what spreadsheets take for the beginning of a formula, or drop before one

_BREAKS = "\r\n\v\f\x1c-\x1e\x85\u2028\u2029"
_AFTER = f"[{SEPARATORS}{_BREAKS}]"
# What may stand before a sign and be dropped by who reads: spaces, quotes, what cannot be seen. No separator is among
# them, so each character is looked at once.
_DROPPED = (
    "[^\\S" + SEPARATORS + _BREAKS + "]|[\"'“”‘’«»\x00-\x08\x0e-\x1b\x1f\x7f\xad\u200b-\u200f\u2060\ufeff]"
)
_SIGN = f"[{re.escape(SIGNS)}]"
_SIGN_INSIDE = f"(?!\r?\n){_SIGN}"  # a line that ends at once begins no cell
_BEGINNING = re.compile(
    f"(?:\\A(?=(?:{_DROPPED})*{_SIGN})"  # of the text, when a sign follows
    f"|(?<={_AFTER})(?<!\r(?=\n))(?=(?:{_DROPPED})*(?:{_SIGN_INSIDE}|\\Z)))"  # of a part of it, or of the next cell
)
_ANY_SIGN = re.compile(_SIGN)
# What may stand before a sign, each character; none lies further up (Unicode's white space ends at U+3000).
_DROPPED_CHARACTERS = "".join(
    chr(number) for number in (*range(0x3001), 0xFEFF) if re.fullmatch(_DROPPED, chr(number))
)
_ENDS = frozenset(chr(number) for number in range(0x2030) if re.fullmatch(_AFTER, chr(number)))
_GUARDED = re.compile(f"(?:{_BEGINNING.pattern})'")


def defused(cell: object) -> str:
    """``cell`` as text in which an apostrophe stands where a cell could begin that a spreadsheet would run.

    One that has apostrophes there by itself gets another, so that :func:`restored` finds what there was. Most cells
    hold no sign and end with no separator, which is seen in an eighth of the time.
    """
    text = "" if cell is None else str(cell)
    if not _ANY_SIGN.search(text) and text.rstrip(_DROPPED_CHARACTERS)[-1:] not in _ENDS:
        return text
    return _BEGINNING.sub("'", text)


def restored(cell: str) -> str:
    """What :func:`defused` was given."""
    return _GUARDED.sub("", cell)


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """The rows as CSV, every cell in quotation marks, each row ended by CR LF."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([defused(cell) for cell in row] for row in rows)
    return written.getvalue()
