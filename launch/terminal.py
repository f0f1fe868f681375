"""What the launcher says on the terminal, and the log file that each program gets."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from io import FileIO
from pathlib import Path

LOG_BYTES = 5_000_000  # a log file is put aside at this size
LOGS_KEPT = 3  # files put aside, besides the current one
TAIL_LINES = 15
LINE_LENGTH = 300  # characters of a program's line on the terminal

_IMPORTANT = re.compile(r"\b(WARNING|ERROR|CRITICAL)\b")
# Our own records say their level in its place, so that nothing a stranger sends can look like one that matters.
_OURS = re.compile(r'\d{4}-\d\d-\d\dT[\d:.]+Z ([A-Z]+) |\{"timestamp": "[\dTZ:.-]+", "level": "([A-Z]+)"')
_TRACEBACK = "Traceback (most recent call last)"


class Log:
    """A program's output: all of it in a file that is rotated by size, the important lines on the terminal too.

    A file that cannot be written, for a full disk or any other reason, stops nobody: what does not fit is counted,
    and how much it was is told on the terminal and in the file as soon as a line can be written again.
    """

    def __init__(self, path: Path, *, loud: bool = True) -> None:
        self.path = path
        self._name = path.stem
        self._loud = loud
        self._in_traceback = False
        self._file: FileIO | None = None
        self._size = 0
        self._lost = 0  # lines since the file could be written last
        self._cut = False  # whether only a part of the last line was written

    def write(self, line: bytes) -> None:
        """Take one line, with or without its newline. Raises nothing."""
        data = line.rstrip(b"\r\n") + b"\n"
        try:
            self._append(data)
        except OSError as error:
            self._lose(error)
        text = data.decode(errors="replace").rstrip()
        if self._loud and self._is_important(text):
            say(f"{self._name}: {printable(text[:LINE_LENGTH])}")

    def tail(self) -> list[str]:
        """Its last lines, fit for a terminal; none when the file cannot be read."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, self.path.stat().st_size - 20_000))
                lines = file.read().decode(errors="replace").splitlines()
        except OSError:
            return []
        return [printable(line) for line in lines[-TAIL_LINES:] if line.strip()]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            if self._lost:
                self._tell_what_is_missing(self._open())
        self._let_go()

    def _append(self, data: bytes) -> None:
        file = self._open()
        if self._size + len(data) > LOG_BYTES:
            self._rotate()
            file = self._open()
        if self._lost:
            self._tell_what_is_missing(file)
        self._put(file, data)

    def _open(self) -> FileIO:
        if self._file is None:
            self._file = FileIO(self.path, "ab")
            self._size = self._file.tell()
        return self._file

    def _let_go(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()

    def _tell_what_is_missing(self, file: FileIO) -> None:
        lost = f"{self._lost} line{'s' if self._lost > 1 else ''}"
        start = b"\n" if self._cut else b""
        self._put(file, start + f"rollcall: {lost} could not be written here\n".encode())
        self._lost = 0
        say(f"{self.path} can be written again; without {lost} in between")

    def _put(self, file: FileIO, data: bytes) -> None:
        """Write all of ``data``; on a full disk a part of it may be written before the OSError."""
        while data:
            written = file.write(data) or 0
            self._size += written
            self._cut = written < len(data)
            data = data[written:]

    def _lose(self, error: OSError) -> None:
        if not self._lost:
            say(f"{self.path} cannot be written ({error.strerror}); going on without it")
        self._lost += 1

    def _is_important(self, text: str) -> bool:
        """Warnings and errors; of a traceback its last line, which names the error."""
        if text.startswith(_TRACEBACK):
            self._in_traceback = True
            return False
        if self._in_traceback and text[:1].strip():
            self._in_traceback = False
            return True
        ours = _OURS.match(text)
        return _IMPORTANT.search((ours[1] or ours[2]) if ours else text) is not None

    def _rotate(self) -> None:
        self._let_go()
        for number in range(LOGS_KEPT, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{number}")
            newer = self.path.with_name(f"{self.path.name}.{number - 1}") if number > 1 else self.path
            if newer.exists():
                newer.replace(older)


def say(text: str) -> None:
    """Print a line at once. A terminal that is gone is no reason to stop: its hang-up signal is."""
    with contextlib.suppress(OSError, ValueError):
        print(text, flush=True)


def complain(text: str) -> None:
    """Print a line of trouble on standard error."""
    with contextlib.suppress(OSError, ValueError):
        print(f"rollcall: {text}", file=sys.stderr, flush=True)


def let_go() -> None:
    """Forget what the terminal did not take, so that Python does not complain of it when it ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            with contextlib.suppress(OSError, ValueError):
                os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def printable(text: str) -> str:
    """``text`` without characters that could drive a terminal."""
    return "".join(char if char.isprintable() or char == "\t" else ascii(char)[1:-1] for char in text)
