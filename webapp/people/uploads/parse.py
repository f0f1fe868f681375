"""From the bytes of a file to its rows, whatever program wrote it. Pure; nothing is judged but the file's form."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from itertools import islice

import msgspec

from webapp.core.spreadsheets.cells import restored
from webapp.people.uploads.columns import OWN_COLUMNS, column_of

MAX_ROWS = 1_999
MAX_COLUMNS = 60
MAX_HEADINGS = 20_000  # characters; more are not looked at to find the separator
MAX_CELL = 2_000  # characters; more is not a value but a mistake in the quotation marks
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # xlsx and ods, xls
EXAMPLE = ("Example Person", "example.person", "example.person@example.com")  # the template's row
_SEP_LINE = re.compile(r"\ufeff?\"?sep=([^\w\s\"']|\t)\"?[ \t,;|]*(\r\n|\r|\n|$)", re.IGNORECASE)


Raw = tuple[int, list[str]]  # the number of a row in a spreadsheet, and its cells as they are written


class Unreadable(Exception):
    """The file is none that can be looked at row by row; the text says why and what to do."""


class Line(msgspec.Struct, frozen=True):
    """One row as it is in the file: its number in a spreadsheet, its cells, how many cells it has too many."""

    number: int
    cells: list[str]
    extra: int = 0
    why: str = ""  # of rows that were left out: the reason


class Sheet(msgspec.Struct, frozen=True):
    """A file's known columns (in the file's order) with its rows, and how it was read.

    ``headings`` are the columns as the file calls them, ``ignored`` the headings of those that are unknown.
    """

    columns: list[str]
    headings: list[str]
    ignored: list[str]
    encoding: str
    guessed: bool
    separator: str
    example: bool
    lines: list[Line]


def read(data: bytes) -> Sheet:
    """The sheet in a file. Raises :class:`Unreadable`."""
    text, encoding, guessed = _decoded(data)
    separator, numbered = _rows(text)
    if not numbered or not text.strip("\ufeff \t\r\n,;|"):
        raise Unreadable("The file is empty. Fill in the template and upload that.")
    head, body = _cells(numbered[0]), numbered[1:]
    columns, ignored = _columns(head)
    width = len(head)
    lines, example = [], False
    for number, raw in body:
        row = _cells((number, raw))
        line = Line(
            number, [row[place] if place < len(row) else "" for place, _, _ in columns], len(row) - width
        )
        if _is_example(line, [key for _, key, _ in columns]):
            example = True
        else:
            lines.append(msgspec.structs.replace(line, extra=max(line.extra, 0)))
    if not lines:
        raise Unreadable("The file has a line of headings and nobody below it. Add a row for each person.")
    if len(lines) > MAX_ROWS:
        raise _too_many(len(lines))
    return Sheet(
        [key for _, key, _ in columns],
        [heading for _, _, heading in columns],
        ignored,
        encoding,
        guessed,
        SEPARATORS.get(separator, f"“{separator}”"),
        example,
        lines,
    )


def _decoded(data: bytes) -> tuple[str, str, bool]:
    """The text, the encoding's name, and whether that is a guess."""
    if data.startswith(WORKBOOKS):
        raise Unreadable(
            "This is a workbook, not a CSV file. In your spreadsheet choose Save as, “CSV UTF-8”, and upload that."
        )
    for mark, codec, name in MARKS:
        if data.startswith(mark):
            try:
                return data.decode(codec), name, False
            except UnicodeDecodeError:
                raise Unreadable(
                    f"The file says that it is {name} and is not. Save it again as “CSV UTF-8”."
                ) from None
    if data[:400].count(0) > 20:
        raise Unreadable("This is not a text file that can be read. Save it as “CSV UTF-8” and upload that.")
    try:
        return data.decode("utf-8"), "UTF-8", False
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252"), "Windows-1252", True
    except UnicodeDecodeError:
        raise Unreadable(
            "The file’s characters cannot be read: it is neither UTF-8 nor Windows-1252. "
            "Save it as “CSV UTF-8” and upload that."
        ) from None


def _rows(text: str) -> tuple[str, list[Raw]]:
    """The separator and all rows with something in them, the first being the headings."""
    text = text.removeprefix("\ufeff")
    named = _SEP_LINE.match(text)
    if named:
        text = text[named.end() :]
        separator = named[1]
    else:
        separator = _separator(text)
    try:
        rows = _held(_parsed(text, separator, strict=True))
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            raise Unreadable(
                "A quotation mark is opened and never closed, so the rows after it cannot be told apart. "
                "Close it, or save the file again from a spreadsheet."
            ) from None
        rows = _held(_parsed(text, separator, strict=False))
    return separator, rows


def _separator(text: str) -> str:
    """The one with which the headings have most known columns, then most columns."""
    first = next((line for line in text.splitlines() if line.strip(" ,;\t|")), "")[:MAX_HEADINGS]

    def worth(separator: str) -> tuple[int, int]:
        cells = next(csv.reader([first], delimiter=separator), [])
        return len({column_of(cell) for cell in cells} - {None}), len(cells)

    return max(SEPARATORS, key=worth)


def _parsed(text: str, separator: str, *, strict: bool) -> Iterator[Raw]:
    """Rows with something in them; empty cells at their ends are taken off."""
    number = 0
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=strict)
        for number, row in enumerate(reader, start=1):
            while row and not row[-1].strip():
                row.pop()
            if row:
                yield number, row
    except csv.Error as error:
        if "field limit" in str(error):
            raise _too_long(number + 1) from None
        raise


def _held(rows: Iterator[Raw]) -> list[Raw]:
    """All of ``rows``. Raises :class:`Unreadable` where an upload cannot hold them; the others are only counted."""
    held = list(islice(rows, MAX_ROWS + 2))  # with the headings and the example
    if more := sum(1 for _ in rows):
        raise _too_many(len(held) + more - 1)
    return held


def _cells(raw: Raw) -> list[str]:
    """The cells of a row; those beyond :data:`MAX_COLUMNS`, of which nothing is read, as they are."""
    number, row = raw
    if max(map(len, row)) > MAX_CELL:
        raise _too_long(number)
    read = [restored(cell) if number > 1 else cell for cell in row[:MAX_COLUMNS]]
    return [cell if cell.strip() else "" for cell in read] + row[MAX_COLUMNS:]


def _too_many(count: int) -> Unreadable:
    return Unreadable(
        f"The file has {count:,} rows; one upload holds at most {MAX_ROWS:,}. Split it into several files."
    )


def _too_long(number: int) -> Unreadable:
    return Unreadable(
        f"Row {number:,} has a cell of more than {MAX_CELL:,} characters. A quotation mark may be opened there "
        "and not closed. Correct it and upload the file again."
    )


def _columns(head: list[str]) -> tuple[list[tuple[int, str, str]], list[str]]:
    """Place, key and heading of each known column; the headings of the unknown ones."""
    if len(head) > MAX_COLUMNS:
        raise Unreadable(
            f"The file has {len(head):,} columns; at most {MAX_COLUMNS} are read. Take out what is not needed."
        )
    known: list[tuple[int, str, str]] = []
    ignored: list[str] = []
    for place, cell in enumerate(head):
        heading = " ".join(cell.split())[:100]
        key = column_of(heading)
        if key is None:
            if heading and heading.casefold() not in OWN_COLUMNS:
                ignored.append(heading)
            continue
        twin = next((other for _, found, other in known if found == key), None)
        if twin is not None:
            raise Unreadable(
                f"Two columns say what {key.replace('_', ' ')} is: “{twin}” and “{heading}”. Keep one of them."
            )
        known.append((place, key, heading))
    keys = {key for _, key, _ in known}
    if not keys:
        raise Unreadable(
            "The first line does not name any column that is known. It has to say name, username and so on, "
            "as the template does."
        )
    if "name" not in keys:
        raise Unreadable("No column is called name. Add one with each person’s full name.")
    if not keys & {"username", "email"}:
        raise Unreadable("No column is called username, and none email. Add one of them.")
    return known, ignored


def _is_example(line: Line, columns: list[str]) -> bool:
    cells = dict(zip(columns, line.cells, strict=True))
    return tuple(cells.get(key, "").strip() for key in ("name", "username", "email")) == EXAMPLE
