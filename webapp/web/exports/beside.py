"""Long files are made by a process of their own, which ends with the file.

An Excel file of 100,000 people takes many seconds of a core. In a thread of the web every other page would share the
interpreter with it; in a process beside, at a lower priority, nobody notices. There is nothing to come back for: the
download begins when the file does, permissions were checked in the same request, and no file is kept anywhere: it has
no name and is gone with the answer. What it costs is a second to start, so short files are made where they are asked
for.

The file grows on disk, not in a pipe: somebody who takes it slowly keeps neither the process nor its place.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from config import Settings
from webapp.core.spreadsheets.table import Source

ROOT = Path(__file__).parents[3]
COMMAND = (sys.executable, "-m", "webapp.web.exports.child")
PART = 64 * 1024  # bytes
LOOKS_EVERY = 0.05  # seconds
LONGEST = 900.0  # seconds that making a file may take
ENDS_WITHIN = 3.0  # seconds after it was told to
COME_AGAIN = 30  # seconds


class Busy(Exception):
    """As many long files as may be are being made in this process; come again in :data:`COME_AGAIN` seconds."""

    title = "Other long files are being made"
    words = "Nothing was taken away. Go back and try again in half a minute."


class NotMade(Exception):
    """The file could not be made. The log of the process that tried tells why."""


class Places:
    """How many long files this process has made at once."""

    def __init__(self, threads: int) -> None:
        self._lock = threading.Lock()
        self._taken: list[subprocess.Popen[bytes]] = []
        self.resize(threads)

    def resize(self, threads: int) -> None:
        """A quarter of ``threads``: each waits for a file at most, and most of them stay for pages."""
        self.most = max(1, threads // 4)

    def start(self, file: IO[bytes]) -> subprocess.Popen[bytes]:
        """A process that writes into ``file``. Raises :class:`Busy`."""
        with self._lock:
            self._taken = [one for one in self._taken if one.poll() is None]
            if len(self._taken) >= self.most:
                raise Busy
            process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=file, cwd=ROOT)
            self._taken.append(process)
            return process


places = Places(threads=8)


def init_app(settings: Settings) -> None:
    """Fit the places of this process to the threads that it serves with."""
    places.resize(settings.web_threads)


def parts_beside(source: Source, form: str, url: str, reference: str | None = None) -> Iterator[bytes]:
    """``source`` as a file, made by another process from the database at ``url`` and given while it grows.

    Raises :class:`Busy` before anything is begun, :class:`NotMade` when it breaks off. Whoever closes this generator
    ends the process.
    """
    with tempfile.TemporaryFile() as file:
        process = places.start(file)
        try:
            _tell(process, pickle.dumps((url, form, source, reference)))
            yield from _growing(file, process)
        finally:
            _end(process)


def _tell(process: subprocess.Popen[bytes], order: bytes) -> None:
    """Say what to make. The pipe stays open: its end means that nobody wants the file any more."""
    assert process.stdin is not None  # noqa: S101 - it was asked for
    try:
        process.stdin.write(order)
        process.stdin.flush()
    except BrokenPipeError as error:
        raise NotMade from error


def _growing(file: IO[bytes], process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """What ``process`` writes into ``file``, which both have open: so it is read by place (man 2 pread)."""
    until = time.monotonic() + LONGEST
    read = 0
    while True:
        ended = process.poll() is not None  # looked at first: what is read then is all there will be
        if part := os.pread(file.fileno(), PART, read):
            read += len(part)
            yield part
        elif ended and process.returncode == 0:
            return
        elif ended or time.monotonic() > until:
            raise NotMade
        else:
            time.sleep(LOOKS_EVERY)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End ``process`` if it is still at it, in its own way first, in which it removes what it made."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):  # of an order that was not taken
            process.stdin.close()
