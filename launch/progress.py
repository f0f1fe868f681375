"""Runs a command that takes long and is silent or noisy: ``python launch/progress.py WHAT COMMAND...``.

Every few seconds it says that WHAT is still going on, for how long, and what the command said last. All that the
command said is shown only when it fails. Needs nothing but the standard library, because it also runs before any
package is installed; no module of the launcher is imported for the same reason.
"""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import IO

TELL_EVERY = 5.0  # seconds
TAIL_LINES = 20
LINE_LENGTH = 100  # characters of the command's own line


def main(arguments: Sequence[str]) -> int:
    """Run the command; its exit code, or 127 when it cannot be started."""
    if len(arguments) < 2:
        print("usage: python launch/progress.py WHAT COMMAND...", file=sys.stderr)
        return 2
    what, *command = arguments
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        print(f"rollcall: {command[0]} cannot be started ({error.strerror})", file=sys.stderr)
        return 127
    with process:
        try:
            said = follow(process, what)
        except KeyboardInterrupt:  # the command has got it too
            process.wait()
            return 130
    code = process.returncode
    if code:
        print("".join(said[-TAIL_LINES:]), file=sys.stderr, end="", flush=True)
    return code if code >= 0 else 128 - code


def follow(process: subprocess.Popen[str], what: str) -> list[str]:
    """All lines of the process until its output ends, with a word every :data:`TELL_EVERY` seconds meanwhile."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    assert process.stdout is not None  # noqa: S101 - it was asked for
    threading.Thread(target=_read, args=(process.stdout, lines), daemon=True).start()
    started = told = time.monotonic()
    said: list[str] = []
    while True:
        try:
            line = lines.get(timeout=max(0.0, told + TELL_EVERY - time.monotonic()))
        except queue.Empty:
            told = time.monotonic()
            last = said[-1].strip()[:LINE_LENGTH] if said else "nothing said yet"
            print(f"  still {what} ({told - started:.0f} s): {last}", flush=True)
            continue
        if line is None:
            return said
        if line.strip():
            said.append(line)


def _read(output: IO[str], lines: queue.SimpleQueue[str | None]) -> None:
    for line in output:
        lines.put(line)
    lines.put(None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
