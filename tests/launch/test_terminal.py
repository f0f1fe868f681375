"""Log files are rotated by size; the terminal gets the important lines, harmless."""

from __future__ import annotations

import logging
import resource
from pathlib import Path

import pytest

from launch import terminal
from launch.terminal import Log
from tests.logs.records import line as record


def test_a_log_is_put_aside_when_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "LOG_BYTES", 100)
    log = Log(tmp_path / "web.log", loud=False)
    for number in range(60):
        log.write(f"line {number:03}".encode())
    log.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "web.log",
        "web.log.1",
        "web.log.2",
        "web.log.3",
    ]
    files = [tmp_path / name for name in ("web.log.3", "web.log.2", "web.log.1", "web.log")]
    assert all(0 < path.stat().st_size <= 100 for path in files)
    lines = [line for path in files for line in path.read_text().splitlines()]
    assert lines == [f"line {number:03}" for number in range(60 - len(lines), 60)]


def test_a_log_goes_on_where_it_ended(tmp_path: Path) -> None:
    for text in (b"one", b"two"):
        log = Log(tmp_path / "web.log")
        log.write(text)
        log.close()
    assert (tmp_path / "web.log").read_bytes() == b"one\ntwo\n"


def test_warnings_and_the_names_of_errors_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = Log(tmp_path / "worker.log")
    for line in (
        "INFO all is well",
        "WARNING half is well",
        "Traceback (most recent call last):",
        '  File "x.py", line 1, in <module>',
        "ValueError: nothing is well",
        "and on it goes",
    ):
        log.write(line.encode())
    assert capsys.readouterr().out == "worker: WARNING half is well\nworker: ValueError: nothing is well\n"


def test_A2_of_our_own_records_only_the_level_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """So a stranger whose address says ERROR is not shown, and an error is, in either form of the log."""
    log = Log(tmp_path / "web.log")
    forged = "ERROR CRITICAL 2026-11-23T08:10:00.123Z ERROR webapp"
    loud = [record("broken", form=form, level=logging.ERROR) for form in ("text", "json")]
    quiet = [record(forged, form=form, level=logging.INFO, path=forged) for form in ("text", "json")]
    for one in (*quiet, *loud):
        log.write(one.encode())
    assert capsys.readouterr().out == "".join(f"web: {one}\n" for one in loud)


def test_nothing_a_program_says_can_drive_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = Log(tmp_path / "web.log")
    log.write(b"ERROR \x1b[2Jgone \xff")
    assert capsys.readouterr().out == "web: ERROR \\x1b[2Jgone \ufffd\n"
    assert (tmp_path / "web.log").read_bytes() == b"ERROR \x1b[2Jgone \xff\n"


def test_B2_a_log_that_cannot_be_written_says_so_once_it_can(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "web.log"
    path.symlink_to("/dev/full")  # every write to it: no space left on device
    log = Log(path)
    for text in (b"one", b"two", b"ERROR three"):
        log.write(text)
    assert capsys.readouterr().out == (
        f"{path} cannot be written (No space left on device); going on without it\nweb: ERROR three\n"
    )
    log.close()
    path.unlink()
    log.write(b"four")
    log.close()
    assert path.read_bytes() == b"rollcall: 3 lines could not be written here\nfour\n"
    assert capsys.readouterr().out == f"{path} can be written again; without 3 lines in between\n"


def test_B2_the_end_of_a_log_tells_what_is_missing(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    log = Log(folder / "web.log", loud=False)
    log.write(b"there is no such folder yet")
    assert log.tail() == []
    folder.mkdir()
    log.close()
    assert (folder / "web.log").read_bytes() == b"rollcall: 1 line could not be written here\n"


def test_B2_a_line_that_fitted_in_part_is_ended_before_the_next(tmp_path: Path) -> None:
    log = Log(tmp_path / "web.log", loud=False)
    log.write(b"whole")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (9, hard))
    try:
        log.write(b"in part")
        log.write(b"not at all")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    log.write(b"whole again")
    log.close()
    assert (tmp_path / "web.log").read_text().splitlines() == [
        "whole",
        "in ",
        "rollcall: 2 lines could not be written here",
        "whole again",
    ]


def test_B2_a_log_that_cannot_be_put_aside_goes_on_once_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "LOG_BYTES", 30)
    in_the_way = tmp_path / "web.log.3"  # a folder, which no file can replace
    in_the_way.mkdir()
    (tmp_path / "web.log.2").write_text("older\n")
    log = Log(tmp_path / "web.log", loud=False)
    for number in range(4):
        log.write(f"line {number:05}".encode())
    in_the_way.rmdir()
    log.write(b"line 00004")
    log.close()
    texts = [(tmp_path / name).read_text() for name in ("web.log.3", "web.log.1", "web.log")]
    assert "".join(texts).splitlines() == [
        *("older", "line 00000", "line 00001"),
        *("rollcall: 2 lines could not be written here", "line 00004"),
    ]
