"""CSV that is read back as it was, and in which nothing can be run. Properties over any text."""

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from webapp.run_files.spreadsheet import STARTS, csv_lines, defused, restored

CELLS = st.one_of(
    st.none(),
    st.integers(),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    st.text("'=a", max_size=4),
    st.builds(
        lambda start, rest: start + rest,
        st.sampled_from(STARTS),
        st.text(max_size=20).filter(str.isprintable),
    ),
)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=5), max_size=5))
def test_what_is_written_is_read_back_and_begins_no_formula(rows: list[list[object]]) -> None:
    text = csv_lines(rows)
    read = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert read == [[defused(cell) for cell in row] for row in rows]
    for given_row, row in zip(rows, read, strict=True):
        for cell, shown in zip(given_row, row, strict=True):
            assert not shown.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
            assert restored(shown) == ("" if cell is None else str(cell))


@given(st.text(alphabet="'=+a\t", max_size=6))
def test_apostrophes_of_ones_own_are_kept(text: str) -> None:
    assert restored(defused(text)) == text
    assert not defused(text).startswith(STARTS)


@given(st.text(min_size=1).filter(lambda text: text[0] not in "'" + "".join(STARTS)))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert defused(text) == text


def test_lines_end_with_cr_lf_and_quotes_are_doubled() -> None:
    assert csv_lines([("a", 'say "hi", you'), ("b", None)]) == 'a,"say ""hi"", you"\r\nb,\r\n'
