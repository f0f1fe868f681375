"""Workbooks: every cell is the text that there was, and nothing in them can be run."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from webapp.core.spreadsheets import workbook
from webapp.core.spreadsheets.table import Row, Table
from webapp.core.spreadsheets.workbook import as_workbook, parts_of

HEAD = ("Name", "ID")
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1)
MARKUP = '<r><t>x</t></r></is></c><c r="B9"><f>HYPERLINK("http://evil.example")</f></c><c><is><r></r>'
HOSTILE = ["=1+1", "+1", "-2", "@SUM(1)", "\t=1", "https://evil.example", "mailto:a@b.example", "{=1}", MARKUP,
           "007", "1e5", "2026-01-01", "_x0041_", "\x01", " spaces ", "a\nb", "'=1", "<t>&amp;", "TRUE"]  # fmt: skip


def table(*chunks: Sequence[Row]) -> Table:
    return Table("People", HEAD, chunks)


def opened(of: Table) -> bytes:
    return b"".join(parts_of(as_workbook(of)))


def sheets(data: bytes) -> list[Worksheet]:
    return openpyxl.load_workbook(io.BytesIO(data), rich_text=False).worksheets


def cells(sheet: Worksheet) -> list[list[str]]:
    return [
        [openpyxl.utils.escape.unescape(cell.value or "") for cell in row]
        for row in sheet.iter_rows(min_row=2)
    ]


def test_A7_every_cell_of_a_workbook_is_text_and_none_a_formula_or_a_link() -> None:
    data = opened(table([(text, "x") for text in HOSTILE]))
    (sheet,) = sheets(data)
    assert [row[0] for row in cells(sheet)] == HOSTILE
    for row in sheet.iter_rows():
        for cell in row:
            assert cell.data_type in ("s", "inlineStr")
            assert cell.number_format == "@"
            assert cell.hyperlink is None
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert not [name for name in archive.namelist() if "rels/sheet" in name or "External" in name]
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
def test_A7_any_text_is_read_back_from_a_workbook(rows: list[tuple[str, str]]) -> None:
    (sheet,) = sheets(opened(table(rows)))
    assert cells(sheet) == [list(row) for row in rows]


def test_the_head_stays_in_sight_and_columns_are_as_wide_as_their_texts() -> None:
    (sheet,) = sheets(opened(table([("Anna " * 5, 1), (None, None)], [("x" * 500, "")])))
    assert sheet.title == "People"
    assert [cell.value for cell in sheet[1]] == list(HEAD)
    assert sheet["A1"].font.bold
    assert sheet.freeze_panes == "A2"
    assert sheet["B2"].value == "1"
    assert (sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width) == pytest.approx(
        (60, 10), abs=1
    )


def test_more_rows_than_a_sheet_holds_go_on_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "ROWS", 3)
    found = sheets(opened(table([(f"P{n}", n) for n in range(7)])))
    assert [sheet.title for sheet in found] == ["People", "People 2", "People 3"]
    assert [row[0] for sheet in found for row in cells(sheet)] == [f"P{n}" for n in range(7)]
    assert {sheet["A1"].value for sheet in found} == {"Name"}


def test_a_text_longer_than_a_cell_can_be_is_cut_and_says_so() -> None:
    (sheet,) = sheets(opened(table([("x" * 32_767, "😀" * 20_000)])))
    whole, cut = cells(sheet)[0]
    assert whole == "x" * 32_767
    assert cut.endswith("(cut off here; the CSV file has all of it)")


def test_rows_are_held_a_chunk_at_a_time_however_many_there_are() -> None:
    """Memory does not grow with the rows: twenty times as many take no more than a few hundred kB more."""

    def peak(chunks: int) -> int:
        def rows() -> Iterable[Sequence[Row]]:
            for chunk in range(chunks):
                yield [(f"Person {chunk} {n}", "x" * 50) for n in range(500)]

        tracemalloc.start()
        try:
            for _part in parts_of(as_workbook(Table("People", HEAD, rows()))):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(40) - peak(2) < 500_000


def test_nothing_of_a_workbook_stays_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(workbook.tempfile, "tempdir", str(tmp_path))

    def breaks() -> Iterator[Sequence[Row]]:
        yield [("Anna", 1)]
        assert list(tmp_path.iterdir())
        raise LookupError

    with pytest.raises(LookupError):
        as_workbook(Table("People", HEAD, breaks()))
    assert not list(tmp_path.iterdir())
    packed = as_workbook(table([("Anna", 1)]))
    assert not list(tmp_path.iterdir())
    next(sending := parts_of(packed))
    sending.close()  # type: ignore[attr-defined]
    assert packed.closed
