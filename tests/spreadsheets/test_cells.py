"""CSV that is read back as it was, and in which nothing can be run, whoever reads it. Properties over any text."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.core.spreadsheets import cells
from webapp.core.spreadsheets.cells import SIGNS, csv_lines, defused, restored
from webapp.core.spreadsheets.table import Table, as_csv

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
HOSTILE = st.text(",;\t|=+-@＝\"' \r\na\u200b", max_size=12)
CELLS = st.one_of(st.none(), st.integers(), ANY_TEXT, HOSTILE)
SEPARATORS = [",", ";", "\t", "|"]
DROPPED = " \u00a0\u200b\"'"  # what a program may take away before it looks whether a cell is a formula


@given(st.lists(st.lists(CELLS, min_size=2, max_size=5), max_size=5))
def test_A7_what_is_written_is_read_back(rows: list[list[object]]) -> None:
    read = list(csv.reader(io.StringIO(csv_lines(rows), newline=""), strict=True))
    assert [[restored(cell) for cell in row] for row in read] == [
        ["" if cell is None else str(cell) for cell in row] for row in rows
    ]


@pytest.mark.parametrize("separator", SEPARATORS)
@given(rows=st.lists(st.lists(CELLS, min_size=1, max_size=4), min_size=1, max_size=4))
def test_A7_no_cell_begins_a_formula_whatever_separates(rows: list[list[object]], separator: str) -> None:
    text = csv_lines(rows)
    parsed = [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) for cell in row]
    cut = [
        cell for line in text.splitlines() for cell in line.split(separator)
    ]  # who knows no quotation marks
    for cell in [*parsed, *cut]:
        assert not cell.startswith(tuple(SIGNS)), (text, cell)
    for cell in [*cut, *(cell for cell in parsed if not cell.startswith(("'", '"')))]:
        bare = cell.lstrip(DROPPED)
        shown = cell[: len(cell) - len(bare)]
        assert "'" in shown or not bare.startswith(tuple(SIGNS)), (text, cell)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("x;=cmd|' /C calc'!A0;y", "x;'=cmd|' /C calc'!A0;y"),
        ("=1", "'=1"),
        ("x\t@SUM(1)", "x\t'@SUM(1)"),
        ("x|+1", "x|'+1"),
        ("x, -1", "x,' -1"),
        ("x\r\n=1", "x\r\n'=1"),
        ('" =1', "'\" =1"),
        ("＝1", "'＝1"),
        ("\r=1", "'\r'=1"),
        ("x;", "x;'"),  # what follows in the file would begin with what this cell ends with
        ("Anna - Kim, Zoë; Ann-Sofie\r\n\r\nlast", "Anna - Kim, Zoë; Ann-Sofie\r\n\r\nlast"),
    ],
)
def test_A7_an_apostrophe_stands_where_a_cell_could_begin(name: str, written: str) -> None:
    assert defused(name) == written
    assert restored(written) == name


@given(st.one_of(ANY_TEXT, HOSTILE, st.text(" ;\u3000\ufeff\x85\u2028\x00'a=", max_size=6)))
def test_what_is_passed_over_quickly_needed_no_apostrophe(text: str) -> None:
    """The whole rule, applied to each cell, says the same."""
    assert defused(text) == cells._BEGINNING.sub("'", text)


@given(st.text(alphabet="'=+a\t;", max_size=6))
def test_apostrophes_of_ones_own_are_kept(text: str) -> None:
    assert restored(defused(text)) == text
    assert not defused(text).startswith(tuple(SIGNS))


@given(st.text(st.characters(categories=["L", "N"])))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert defused(text) == text


def test_every_cell_is_quoted_and_lines_end_with_cr_lf() -> None:
    assert csv_lines([("a", 'say "hi", you'), (1, None)]) == '"a","say ""hi"", you"\r\n"1",""\r\n'


def test_a_table_is_written_a_chunk_at_a_time() -> None:
    parts = list(as_csv(Table("People", ("Name",), iter([[("Anna",)], [("=1",), ("Zoë",)]]))))
    assert parts == ['\ufeff"Name"\r\n', '"Anna"\r\n', '"\'=1"\r\n"Zoë"\r\n']
