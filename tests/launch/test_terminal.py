"""Log files are rotated by size; the terminal gets the important lines, harmless."""

from __future__ import annotations

import logging
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
