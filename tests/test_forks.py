"""What a process has open when it forks. A child that inherits a connection to SQLite can damage the database."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import rq
import sqlalchemy as sa
from flask import Flask

from config import normal_database_url
from webapp.core.models import db
from webapp.jobs import crew
from webapp.jobs.crew import Place, Worker
from webapp.jobs.worker import AppWorker
from webapp.operations.startup import ready_to_serve
from webapp.queue.jobs import CHORES

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

CHILD = 2**22 + 1  # a process that there is not: above the most that the kernel gives


def open_files(app: Flask) -> list[str]:
    """The files of the database that this process has open; the lock beside it is none."""
    path = normal_database_url(app.extensions["settings"].database_url).removeprefix("sqlite:///")
    parts = {path + ending for ending in ("", "-wal", "-shm")}
    links = (os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd"))  # noqa: PTH208
    return sorted(link for link in links if link.removesuffix(" (deleted)") in parts)


@pytest.fixture
def used(app: Flask) -> Flask:
    """An application that has asked its database something."""
    with app.app_context():
        db.session.execute(sa.text("SELECT 1 FROM users"))
    assert open_files(app)
    return app


def test_what_serves_begins_without_a_connection(used: Flask) -> None:
    ready_to_serve(used)
    assert open_files(used) == []


@pytest.mark.parametrize("who", ["the crew", "a worker"])
def test_nobody_forks_with_a_connection(used: Flask, monkeypatch: pytest.MonkeyPatch, who: str) -> None:
    found: list[list[str]] = []

    def fork(*_: object) -> int:
        found.append(open_files(used))
        return CHILD

    start: Callable[[], object]
    if who == "the crew":
        monkeypatch.setattr(crew.os, "fork", fork)
        start = Worker(used, Place("chores", (CHORES,))).start
    else:
        monkeypatch.setattr(rq.Worker, "fork_work_horse", fork)
        worker = AppWorker.__new__(AppWorker)
        worker.app = used

        def start() -> None:
            worker.fork_work_horse(None, None)

    start()
    assert found == [[]]


def test_a_beat_leaves_no_connection_for_the_next_fork(used: Flask, tmp_path: Path) -> None:
    team = crew.Crew(used, 1)
    team._workers[0].pid = CHILD
    team._beat()
    team._workers[0].pid = 0
    with pytest.MonkeyPatch.context() as monkeypatch:
        found: list[list[str]] = []
        monkeypatch.setattr(crew.os, "fork", lambda: found.append(open_files(used)) or CHILD)
        team._workers[0].start()
    assert found == [[]]
