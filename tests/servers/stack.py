"""All of Rollcall, started by the launcher as ``make run`` does: Redis, sandbox, web, worker, scheduler."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.ports import port_run
from tests.servers.processes import ROOT, Program, running, start, wait_until

READY = "Rollcall is ready at"
LEFT_OUT = (
    "DATA_DIR",
    "DATABASE_URL",
    "FLASK_",
    "INTERCOM_",
    "MAKE",
    "MFLAGS",
    "MIGRATIONS_DATABASE_URL",
    "PORT",
    "PUBLIC_URL",
    "REDIS_URL",
    "ROLLCALL_MODE",
    "SYNC_",
    "ZENDESK_",
)  # variables that would change what is started, or how make behaves


@dataclass
class Stack:
    """A running Rollcall with the demo contract."""

    port: int
    data_dir: Path
    environ: dict[str, str]
    program: Program

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.port + 1}"

    @property
    def redis_url(self) -> str:
        """Where its Redis listens."""
        return str(json.loads((self.data_dir / "running.json").read_text())["redis_url"])

    def flask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``flask ARGUMENTS`` beside it, as somebody at a second terminal would."""
        environ = {name: value for name, value in self.environ.items() if name != "PORT"}
        return subprocess.run(
            [sys.executable, "-m", "flask", *arguments],
            cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip


def stack_environ(port: int, data_dir: Path, changes: dict[str, str]) -> dict[str, str]:
    """The environment for a launcher: this one without any setting of the product, then ``changes``."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(LEFT_OUT)}
    return environ | {"PORT": str(port), "DATA_DIR": str(data_dir)} | changes


def start_launcher(port: int, data_dir: Path, log: Path, **changes: str) -> Stack:
    """Start the launcher and give it out at once; the caller waits and stops."""
    environ = stack_environ(port, data_dir, changes)
    return Stack(port, data_dir, environ, start([sys.executable, "-m", "launch"], log, environ=environ))


def wait_until_ready(stack: Stack, patience: float = 60.0) -> None:
    """Return once the launcher has said that all is up. AssertionError when it ends first or takes longer."""
    wait_until(lambda: READY in stack.program.said(), patience, stack.program)


@contextmanager
def running_stack(folder: Path, **changes: str) -> Iterator[Stack]:
    """Start everything with its data in ``folder/var``; ``changes`` are further environment variables."""
    folder.mkdir(parents=True, exist_ok=True)
    with port_run() as port:
        data_dir, log = folder / "var", folder / "launch.log"
        environ = stack_environ(port, data_dir, changes)
        with running(
            [sys.executable, "-m", "launch"],
            log,
            lambda: log.exists() and READY in log.read_text(errors="replace"),
            patience=60,
            environ=environ,
        ) as program:
            yield Stack(port, data_dir, environ, program)
