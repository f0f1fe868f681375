"""``flask sync now --wait``: whoever waits hears what for, and why nothing happens."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

import config
import webapp
from tests.commands.conftest import Ended, Flasks
from tests.sync.office import Office, open_office
from tests.sync.people import person
from webapp.commands import waiting
from webapp.core import heartbeat
from webapp.core.database import write_transaction
from webapp.core.models import Contract, SyncRun, db, utcnow
from webapp.queue.wake import connection
from webapp.sync.schedule.schedule import live_run

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "QUIET", 0.1)


@dataclass
class Waiter:
    """Somebody at a terminal who has a run made and waits for its end."""

    flask: Flasks
    office: Office
    slug: str

    def wait(self, timeout: str = "1") -> Ended:
        return self.flask("sync", "now", self.slug, "intercom", "--wait", "--timeout", timeout)


@pytest.fixture
def waiter(app: Flask, flask: Flasks) -> Iterator[Waiter]:
    with app.app_context():
        office = open_office(app)
        slug = db.session.scalar(sa.select(Contract.slug).where(Contract.id == office.contract_id)) or ""
        db.session.rollback()
        yield Waiter(flask, office, slug)


def run_of(ended: Ended, code: int = 1) -> Any:
    """The one JSON object that is all of standard output."""
    assert ended.code == code, (ended.out, ended.err)
    (line,) = ended.out.splitlines()
    return json.loads(line)


def test_without_a_worker_it_says_so_and_what_to_do_and_ends(waiter: Waiter) -> None:
    ended = waiter.wait()
    run = run_of(ended)
    assert run["state"] == "queued"
    first, second, last = ended.err.splitlines()
    assert first == f"Waiting for run {run['run']} to end, 1 s at most."
    assert second.startswith(f"No worker has picked run {run['run']} up in 0 s. No worker is running")
    assert "(the last sign of one: never)" in second
    assert "Start one (systemctl start rollcall.target, or make run for the demo)" in second
    assert "flask sync status --json" in second
    assert last.startswith(f"Run {run['run']} has not ended after 1 s and goes on without this command.")
    assert "No worker is running" in last


def test_a_worker_that_was_there_is_told_with_its_last_sign(waiter: Waiter) -> None:
    with write_transaction() as session:
        heartbeat.beat(session, heartbeat.WORKER, utcnow() - timedelta(minutes=5))
    connection().sadd("rq:workers:sync-intercom", "rq:worker:killed")
    said = waiter.wait().err
    assert "No worker is running (the last sign of one: " in said
    assert "never" not in said


def test_workers_that_are_busy_are_not_taken_for_none(waiter: Waiter) -> None:
    with write_transaction() as session:
        heartbeat.beat(session, heartbeat.WORKER, utcnow())
    connection().sadd("rq:workers:sync-intercom", "rq:worker:somebody")
    said = waiter.wait().err
    assert "Workers are running, so they may be busy with other runs." in said
    assert "No worker is running" not in said


def test_a_run_that_waits_for_the_end_of_a_trouble_says_which(waiter: Waiter) -> None:
    run = waiter.office.request()
    with write_transaction() as session:
        session.execute(
            sa.update(SyncRun)
            .where(SyncRun.id == run.id)
            .values(waits_for="The database was locked.", not_before=utcnow() + timedelta(minutes=5))
        )
        found = session.get_one(SyncRun, run.id, populate_existing=True)
        assert waiting.why_it_waits(found).startswith("The database was locked. It is tried again at ")


def test_a_run_that_is_at_work_is_no_complaint_and_the_limit_says_how_far_it_is(waiter: Waiter) -> None:
    run = waiter.office.request()
    with write_transaction() as session:
        session.execute(
            sa.update(SyncRun)
            .where(SyncRun.id == run.id)
            .values(state="running", stage="fetch", started_at=utcnow(), fence=1)
        )
    ended = waiter.wait()
    assert run_of(ended)["state"] == "running"
    assert "No worker" not in ended.err
    assert "A worker has it (stage: fetch). Give more time with --timeout SECONDS." in ended.err


def test_it_says_when_a_worker_comes_at_last(waiter: Waiter) -> None:
    office = waiter.office
    office.platform.people_there = [person("1", "Ada Lovelace", "ada@example.com")]

    def work_later() -> None:
        with office.app.app_context():
            while (run := live_run(db.session(), office.integration_id)) is None:
                db.session.rollback()
                time.sleep(0.05)
            time.sleep(0.6)
            office.work(run)

    worker = threading.Thread(target=work_later)
    worker.start()
    ended = waiter.wait("60")
    worker.join()
    run = run_of(ended, 0)
    assert (run["state"], run["imported"]) == ("completed", 1)
    assert ended.err.splitlines()[-1] == f"A worker has picked run {run['run']} up."


def test_without_redis_it_says_so_in_a_sentence(app: Flask, settings: config.Settings) -> None:
    with app.app_context():
        office = open_office(app)
        slug = db.session.scalar(sa.select(Contract.slug).where(Contract.id == office.contract_id)) or ""
    app = webapp.create_app(replace(settings, redis_url="redis://127.0.0.1:9/0"))
    words = ["sync", "now", slug, "intercom"]
    ended = app.test_cli_runner().invoke(args=[*words, "--wait", "--timeout", "1"])
    assert (ended.exit_code, len(ended.stdout.splitlines())) == (1, 1)
    assert json.loads(ended.stdout)["state"] == "queued"
    assert "Redis does not answer" in ended.stderr
    assert "Start Redis, or correct REDIS_URL." in ended.stderr
    assert "Traceback" not in ended.stderr
    with app.app_context():
        db.engine.dispose()
