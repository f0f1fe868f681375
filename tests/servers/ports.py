"""Runs of free ports on 127.0.0.1, each given to one test process of this machine at a time."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PORTS = range(18200, 18300)
RUN = 4  # ports a run has: the web's, and those of the sandboxes beside it


@contextmanager
def port_run() -> Iterator[int]:
    """The first of ``RUN`` consecutive ports on which nobody listens. AssertionError when all are taken."""
    folder = Path(tempfile.gettempdir()) / f"rollcall-test-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    firsts = list(PORTS[::RUN])
    random.shuffle(firsts)
    for first in firsts:
        with (folder / str(first)).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if all(is_free(port) for port in range(first, first + RUN)):
                yield first
                return
    raise AssertionError(f"no run of {RUN} free ports in {PORTS}")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    """Whether somebody accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
