"""Files as all kinds of programs write them, read to the same rows; and those that are none."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.core.spreadsheets.cells import MARK, csv_lines
from webapp.people.uploads.parse import MAX_ROWS, Sheet, Unreadable, read

TEXT = "Name;User name;E-Mail\r\nZoë “Zed” Müller;zoe;zoe@acme.example\r\n"


def rows(sheet: Sheet) -> list[list[str]]:
    return [line.cells for line in sheet.lines]


@pytest.mark.parametrize(
    ("data", "encoding", "guessed"),
    [
        (TEXT.encode(), "UTF-8", False),
        (TEXT.encode("utf-8-sig"), "UTF-8", False),
        (TEXT.encode("utf-16"), "UTF-16", False),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "UTF-16", False),
        (TEXT.encode("utf-32"), "UTF-32", False),
        (TEXT.encode("cp1252"), "Windows-1252", True),
        (("sep=;\r\n" + TEXT).encode(), "UTF-8", False),
        (("\ufeffSEP=;\n" + TEXT).encode(), "UTF-8", False),
        (TEXT.replace("\r\n", "\n").encode(), "UTF-8", False),
        (TEXT.replace("\r\n", "\r").encode(), "UTF-8", False),
        (TEXT.replace(";", "\t").encode(), "UTF-8", False),
        (TEXT.replace(";", ",").encode(), "UTF-8", False),
        (TEXT.replace(";", "|").encode(), "UTF-8", False),
        ((TEXT.replace("\r\n", ";;;\r\n") + ";;;;\r\n;;\r\n\r\n").encode(), "UTF-8", False),
        (TEXT.rstrip().encode(), "UTF-8", False),
    ],
    ids=lambda value: None if isinstance(value, bytes) else str(value),
)
def test_the_same_rows_are_read_whatever_wrote_them(data: bytes, encoding: str, guessed: bool) -> None:
    sheet = read(data)
    assert sheet.columns == ["name", "username", "email"]
    assert rows(sheet) == [["Zoë “Zed” Müller", "zoe", "zoe@acme.example"]]
    assert (sheet.encoding, sheet.guessed) == (encoding, guessed)
    assert [line.extra for line in sheet.lines] == [0]


def test_rows_have_the_numbers_of_a_spreadsheet() -> None:
    data = b'name,username\r\n"Ada\r\nLovelace",ada\r\n\r\n , \r\nBob,bob,too,many\r\nCy\r\n'
    sheet = read(data)
    assert [(line.number, line.cells, line.extra) for line in sheet.lines] == [
        (2, ["Ada\r\nLovelace", "ada"], 0),
        (5, ["Bob", "bob"], 2),
        (6, ["Cy", ""], 0),
    ]


def test_columns_are_known_by_many_names_in_any_order_and_others_are_named() -> None:
    sheet = read(
        b"PASSWORD, E-mail Address ,Display Name,contract_id,Third-party ID,User Name,,row,What to do\nx,,,,,,\n"
    )
    assert sheet.columns == ["email", "name", "third_party_id", "username"]
    assert sheet.headings == ["E-mail Address", "Display Name", "Third-party ID", "User Name"]
    assert sheet.ignored == ["PASSWORD", "contract_id"]


REFUSED = [
    (b"", "The file is empty."),
    (b"\xef\xbb\xbf\r\n;;\r\n", "The file is empty."),
    (b"sep=;\r\n\r\n", "The file is empty."),
    (b"name,username\r\n", "nobody below it"),
    (b"name,username\r\n,,\r\n", "nobody below it"),
    (b"Ada,ada\r\nBob,bob\r\n", "does not name any column"),
    (b"username,email\r\nada,\r\n", "No column is called name."),
    (b"name,team\r\nada,x\r\n", "No column is called username"),
    (b"name,username,Full name\r\na,b,c\r\n", "“name” and “Full name”"),
    (b'name,username\r\n"Ada,ada\r\nBob,bob\r\n', "never closed"),
    (b"name,username\r\nAda," + b"a" * 200_000, "Row 2 has a cell of more than 2,000 characters"),
    (b"name,username" + b",x" * 100 + b"\r\na,b", "102 columns"),
    (b"name,username\r\n" + b"a,b\r\n" * (MAX_ROWS + 1), "2,000 rows; one upload holds at most 1,999"),
    (b"PK\x03\x04workbook", "This is a workbook"),
    (b"\xd0\xcf\x11\xe0old workbook", "This is a workbook"),
    (b"n\0a\0m\0e\0" * 20, "not a text file"),
    (b"\xff\xfen", "says that it is UTF-16 and is not"),
    (b"name,username\r\nA\x81,b", "neither UTF-8 nor Windows-1252"),
]


@pytest.mark.parametrize(("data", "why"), REFUSED, ids=[why for _, why in REFUSED])
def test_a_file_that_holds_no_rows_says_why(data: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=r"^[A-Z].*[.]$") as refused:
        read(data)
    assert why in str(refused.value)


def test_as_many_rows_as_there_may_be_are_read() -> None:
    assert len(read(b"name,username\r\n" + b"a,b\r\n" * MAX_ROWS).lines) == MAX_ROWS


CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5), st.sampled_from(["utf-8", "utf-16"]))
def test_what_this_product_writes_is_read_as_it_was(people: list[tuple[str, str]], encoding: str) -> None:
    """Formulas, apostrophes, quotation marks and separators in the values change nothing."""
    kept = [("=1+1", "'quoted"), *people]
    text = csv_lines([("name", "username"), *kept]).removeprefix(MARK)
    wanted = [list(row) for row in kept if any(cell.strip() for cell in row)]
    read_rows = rows(read((MARK + text).encode("utf-8") if encoding == "utf-8" else text.encode(encoding)))
    assert read_rows == [[cell if cell.strip() else "" for cell in row] for row in wanted]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_in_words(data: bytes) -> None:
    for whole in (data, b"name,username\r\n" + data, b"\xff\xfe" + data):
        try:
            sheet = read(whole)
        except Unreadable:  # in words, and no other error
            continue
        assert sheet.lines
        assert all(len(line.cells) == len(sheet.columns) for line in sheet.lines)


def test_the_quotes_of_a_careless_program_are_forgiven() -> None:
    data = 'name,username\r\nAda "the first" Lovelace,ada\r\n"Bob"by,bob\r\n'
    assert rows(read(data.encode())) == [list(row) for row in list(csv.reader(io.StringIO(data)))[1:]]
