"""Starting a program for a measurement, waiting until it answers, and ending it with all it started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from launch.processes import parent_death_signal, session_members, signal_session

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 60.0  # seconds a program may take to answer, or to end


class BenchError(Exception):
    """Something that is measured, or measured against, did not work; the text says what."""


@contextmanager
def running(
    command: Sequence[str | Path],
    log: Path,
    ready: Callable[[], bool],
    *,
    environ: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    user: str | None = None,
    stop_with: int = signal.SIGTERM,
) -> Iterator[None]:
    """Start ``command``, go on once ``ready()`` is true, and end it afterwards. Its words go to ``log``."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=environ,
            start_new_session=True,
            preexec_fn=parent_death_signal(),
            user=user,
            extra_groups=[] if user else None,
        )
    try:
        end = time.monotonic() + PATIENCE
        while not ready():
            if process.poll() is not None or time.monotonic() > end:
                raise BenchError(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.05)
        yield
    finally:
        process.send_signal(stop_with)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if session_members(process.pid):
            signal_session(process.pid, signal.SIGKILL)


def finished(module: str, *arguments: str | Path, environ: Mapping[str, str]) -> None:
    """Run ``python -m module`` to its end. Raises :class:`BenchError` with what it said when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchError(f"{module} failed:\n{done.stdout[-3000:]}")


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def product_environ(**settings: str) -> dict[str, str]:
    """This process's environment without any setting of the product, then ``settings``."""
    prefixes = (
        "BIND", "CREDENTIAL_KEYS", "DATABASE_URL", "DATA_DIR", "FLASK_", "INTERCOM_", "MAKE", "MFLAGS", "PORT",
        "MIGRATIONS_", "PUBLIC_URL", "REDIS_URL", "ROLLCALL_MODE", "SECRET_KEY", "WEB_", "ZENDESK_",
    )  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}
    return kept | {"ROLLCALL_MODE": "demo"} | settings
