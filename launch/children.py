"""One started program: its process, its session, its output."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from launch.errors import LaunchError
from launch.guard import Guard
from launch.processes import parent_death_signal, session_members, signal_session
from launch.terminal import Log

ROOT = Path(__file__).resolve().parents[1]
_CHUNK = 65536  # bytes


class Child:
    """A program that runs in a session of its own, so that a Ctrl-C reaches it only through the launcher."""

    def __init__(
        self, process: asyncio.subprocess.Process, output: asyncio.StreamReader, log: Log, guard: Guard
    ) -> None:
        self.pid = process.pid
        self._process = process
        self._log = log
        self._guard = guard
        self._reader = asyncio.create_task(self._read(output))

    @classmethod
    async def start(cls, command: Sequence[str], environ: Mapping[str, str], log: Log, guard: Guard) -> Child:
        """Start ``command`` in the repository's folder. Raises :class:`LaunchError` if it cannot be executed."""
        # A pipe of our own: asyncio's would make wait() wait for every process that has inherited it.
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=ROOT,
                env=environ,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                start_new_session=True,
                preexec_fn=parent_death_signal(),
            )
        except OSError as error:
            os.close(reading)
            raise LaunchError(f"{command[0]} cannot be started ({error.strerror}).") from error
        finally:
            os.close(writing)
        guard.started(process.pid)
        output = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(output), os.fdopen(reading, "rb", 0)
        )
        return cls(process, output, log, guard)

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    async def wait(self) -> int:
        """Wait for its end, kill what it left behind in its session, and give its exit code (negative: signal)."""
        code = await self._process.wait()
        if session_members(self.pid):
            signal_session(self.pid, signal.SIGKILL)
        self._guard.ended(self.pid)
        await asyncio.wait({self._reader}, timeout=2)
        return code

    def send(self, number: int) -> None:
        """Send a signal to the program itself, not to what it has started."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def kill(self) -> None:
        """End its whole session at once."""
        signal_session(self.pid, signal.SIGKILL)

    async def _read(self, output: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await output.read(_CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._log.write(line)
            if len(rest) > _CHUNK:
                self._log.write(rest)
                rest = b""
        if rest:
            self._log.write(rest)


def describe(code: int) -> str:
    """How a program ended, in words: "exit code 1", "signal SIGKILL"."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
