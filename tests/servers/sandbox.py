"""A platform's sandbox as a process of its own, as ``make run`` starts it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.servers.local import HTTP
from tests.servers.ports import port_run
from tests.servers.processes import Program, running


@dataclass
class Sandbox:
    """A running sandbox: ``url`` is where it listens; ``control`` calls its control interface."""

    url: str
    port: int
    program: Program

    def control(self, method: str, path: str, json: object = None) -> object:
        """Call ``/control/<path>``; gives the decoded answer, ``None`` when it has no body."""
        answer = HTTP.request(method, f"{self.url}/control/{path}", json=json)
        answer.raise_for_status()
        return answer.json() if answer.content else None


@contextmanager
def sandbox_server(platform: str, folder: Path) -> Iterator[Sandbox]:
    """Start the sandbox of ``platform`` on a free port with its data in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    with port_run() as port:
        command = [sys.executable, "-m", "sandbox", platform, "--port", str(port), "--data-dir", str(folder)]
        url = f"http://127.0.0.1:{port}"
        with running(command, folder / "sandbox.log", lambda: healthy(url)) as program:
            yield Sandbox(url, port, program)


def healthy(url: str) -> bool:
    """Whether ``/healthz`` answers 200."""
    try:
        return HTTP.get(f"{url}/healthz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False
