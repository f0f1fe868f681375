"""Long files are made by a process of their own: the same bytes, and nothing of it stays behind."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa

from tests.spreadsheets.sources import Broken, Endless, Lost, Numbered
from webapp.core.database import engine_at
from webapp.core.spreadsheets.making import parts
from webapp.web.exports import beside
from webapp.web.exports.beside import Busy, NotMade, Places, parts_beside


@pytest.fixture(autouse=True)
def places(monkeypatch: pytest.MonkeyPatch) -> Places:
    """Those of a process with eight threads, of which nobody else has taken any."""
    found = Places(threads=8)
    monkeypatch.setattr(beside, "places", found)
    return found


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where both processes put what they need for a while."""
    made = tmp_path / "made"
    made.mkdir()
    monkeypatch.setenv("TMPDIR", str(made))
    monkeypatch.setattr(beside.tempfile, "tempdir", str(made))
    return made


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[sa.Engine]:
    made = engine_at(sqlite_url)
    yield made
    made.dispose()


def until(true: Callable[[], object]) -> None:
    """Wait for what another process does; a minute is for a machine that stands still."""
    ends = time.monotonic() + 60
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.01)


def lives(pid: int) -> bool:
    """Whether the process works: one that has ended and that nobody has asked for is none."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def child_of(places: Places) -> subprocess.Popen[bytes]:
    (process,) = places._taken
    return process


@pytest.mark.parametrize("form", ["csv", "json"])
def test_another_process_makes_the_same_file(sqlite_url: str, engine: sa.Engine, form: str) -> None:
    beside_ours = b"".join(parts_beside(Numbered(3_000), form, sqlite_url))
    assert beside_ours == b"".join(parts(Numbered(3_000), form, engine))


def test_a_workbook_has_the_same_cells(sqlite_url: str, engine: sa.Engine) -> None:
    def cells(data: Iterator[bytes]) -> list[tuple[object, ...]]:
        (sheet,) = openpyxl.load_workbook(io.BytesIO(b"".join(data))).worksheets
        return list(sheet.iter_rows(values_only=True))

    found = cells(parts_beside(Numbered(3_000), "xlsx", sqlite_url))
    assert len(found) == 3_001
    assert found == cells(parts(Numbered(3_000), "xlsx", engine))


def test_it_is_not_made_by_the_process_that_sends_it(sqlite_url: str, places: Places) -> None:
    making = parts_beside(Numbered(3, told=True), "csv", sqlite_url)
    first = next(making)
    maker = child_of(places)
    text = b"".join([first, *making]).decode()
    assert {row[1] for row in list(csv.reader(text.splitlines()))[1:]} == {str(maker.pid)}
    assert maker.pid != os.getpid()
    assert maker.returncode == 0


def test_a_file_is_sent_while_it_grows(sqlite_url: str, places: Places, folder: Path) -> None:
    making = parts_beside(Endless(0), "csv", sqlite_url)
    assert sum(len(next(making)) for _ in range(5)) > 0
    maker = child_of(places)
    assert lives(maker.pid)
    making.close()  # type: ignore[attr-defined]
    assert maker.returncode is not None
    assert not list(folder.iterdir())


def test_whoever_goes_before_a_workbook_is_written_leaves_nothing_behind(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, folder: Path, places: Places
) -> None:
    monkeypatch.setattr(beside, "LONGEST", 0.0)
    real = beside._tell

    def tell(process: subprocess.Popen[bytes], order: bytes) -> None:
        real(process, order)
        until(lambda: list(folder.iterdir()))  # it has begun to write

    monkeypatch.setattr(beside, "_tell", tell)
    with pytest.raises(NotMade):
        next(parts_beside(Endless(0), "xlsx", sqlite_url))
    assert child_of(places).returncode == 1
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("source", "form"), [(Broken(1), "xlsx"), (Lost(1), "csv"), (Lost(1), "xlsx")], ids=lambda one: str(one)
)
def test_what_fails_at_once_gives_not_a_byte(
    sqlite_url: str, source: Numbered, form: str, folder: Path
) -> None:
    with pytest.raises(NotMade):
        next(parts_beside(source, form, sqlite_url))
    assert not list(folder.iterdir())


def test_what_fails_later_never_looks_whole_and_the_log_tells_why_without_names(
    sqlite_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NotMade):
        list(parts_beside(Broken(3), "csv", sqlite_url, "r-123"))
    said = capfd.readouterr().err
    assert "a file could not be made" in said
    assert "LookupError" in said
    assert "r-123" in said
    assert "zoe" not in said


def test_no_more_are_made_at_once_than_a_quarter_of_the_threads(sqlite_url: str, places: Places) -> None:
    assert [Places(threads).most for threads in (1, 4, 8, 64)] == [1, 1, 2, 16]
    places.resize(8)
    making = [parts_beside(Endless(0), "csv", sqlite_url) for _ in range(2)]
    for one in making:
        next(one)
    with pytest.raises(Busy):
        next(parts_beside(Numbered(1), "csv", sqlite_url))
    making[0].close()  # type: ignore[attr-defined]
    assert b"".join(parts_beside(Numbered(1), "csv", sqlite_url))
    making[1].close()  # type: ignore[attr-defined]


def test_somebody_who_takes_a_file_slowly_keeps_no_place(sqlite_url: str, places: Places) -> None:
    places.resize(4)
    slow = parts_beside(Numbered(50_000), "csv", sqlite_url)
    taken = next(slow)
    maker = child_of(places)
    os.waitid(os.P_PID, maker.pid, os.WEXITED | os.WNOWAIT)  # nobody is told of it
    assert b"".join(parts_beside(Numbered(1), "csv", sqlite_url))
    assert len(b"".join([taken, *slow]).splitlines()) == 50_001


def test_it_ends_with_the_web_however_that_ends(sqlite_url: str, folder: Path) -> None:
    """A web that is killed outright cannot tell it to."""
    program = (
        "import sys, time\n"
        "from tests.spreadsheets.sources import Endless\n"
        "from webapp.web.exports import beside\n"
        "making = beside.parts_beside(Endless(0), 'csv', sys.argv[1])\n"
        "next(making)\n"
        "print(beside.places._taken[0].pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, sqlite_url], stdout=subprocess.PIPE, cwd=beside.ROOT
    ) as web:
        assert web.stdout is not None
        maker = int(web.stdout.readline())
        assert lives(maker)
        web.kill()
    until(lambda: not lives(maker))
    assert not list(folder.iterdir())
