"""What the launcher says on the terminal, and the log file that each program gets."""

from __future__ import annotations

import contextlib
import re
import sys
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
    """A program's output: all of it in a file that is rotated by size, the important lines on the terminal too."""

    def __init__(self, path: Path, *, loud: bool = True) -> None:
        self.path = path
        self._name = path.stem
        self._loud = loud
        self._in_traceback = False
        self._file = path.open("ab", buffering=0)
        self._size = self._file.tell()

    def write(self, line: bytes) -> None:
        """Take one line, with or without its newline."""
        data = line.rstrip(b"\r\n") + b"\n"
        if self._size + len(data) > LOG_BYTES:
            self._rotate()
        self._file.write(data)
        self._size += len(data)
        text = data.decode(errors="replace").rstrip()
        if self._loud and self._is_important(text):
            say(f"{self._name}: {printable(text[:LINE_LENGTH])}")

    def tail(self) -> list[str]:
        """Its last lines, fit for a terminal."""
        with self.path.open("rb") as file:
            file.seek(max(0, self._size - 20_000))
            lines = file.read().decode(errors="replace").splitlines()
        return [printable(line) for line in lines[-TAIL_LINES:] if line.strip()]

    def close(self) -> None:
        self._file.close()

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
        self._file.close()
        for number in range(LOGS_KEPT, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{number}")
            newer = self.path.with_name(f"{self.path.name}.{number - 1}") if number > 1 else self.path
            if newer.exists():
                newer.replace(older)
        self._file = self.path.open("ab", buffering=0)
        self._size = 0


def say(text: str) -> None:
    """Print a line at once. A terminal that is gone is no reason to stop: its hang-up signal is."""
    with contextlib.suppress(OSError, ValueError):
        print(text, flush=True)


def complain(text: str) -> None:
    """Print a line of trouble on standard error."""
    with contextlib.suppress(OSError, ValueError):
        print(f"rollcall: {text}", file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """``text`` without characters that could drive a terminal."""
    return "".join(char if char.isprintable() or char == "\t" else ascii(char)[1:-1] for char in text)
