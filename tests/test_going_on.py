"""A job goes on with the runs that wait, and stops where it has to."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.sync.office import Office, open_office
from tests.sync.people import person
from webapp.core.database import write_transaction
from webapp.core.models import Integration, SyncRun, db
from webapp.jobs import functions
from webapp.platforms.base import Connector, Recorder
from webapp.queue import wake
from webapp.queue.jobs import SYNC

ADA = person("101", "Ada Lovelace", "ada@example.com")


@pytest.fixture
def offices(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Office]]:
    """Three offices, with their platforms in memory on the far side."""
    with app.app_context():
        found = [open_office(app) for _ in range(3)]
        platforms = {one.integration_id: one.platform for one in found}
        for platform in platforms.values():
            platform.people_there = [ADA]

        def connector(integration: Integration, record: Recorder) -> Connector:
            return platforms[integration.id]

        monkeypatch.setattr(functions, "_connector", connector)
        yield found


def states() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(sa.select(SyncRun.state).order_by(SyncRun.id)))


def test_a_job_does_its_own_run_and_then_those_that_wait(offices: list[Office]) -> None:
    first, *_ = [one.request() for one in offices]
    functions.run(first.id, 1)
    assert states() == ["completed"] * 3


def test_a_job_whose_run_was_done_by_another_goes_on_with_what_waits(offices: list[Office]) -> None:
    done = offices[0].request()
    offices[0].work(done)
    offices[1].request()
    functions.run(done.id, 1)
    assert states() == ["completed"] * 2


def test_a_job_goes_on_with_the_platforms_of_its_worker_alone(offices: list[Office]) -> None:
    first, other, _ = [one.request() for one in offices]
    with write_transaction() as session:
        session.get_one(Integration, other.integration_id).platform = "zendesk"
    offices[0].app.extensions[functions.PLATFORMS_HERE] = ("intercom",)
    functions.run(first.id, 1)
    assert states() == ["completed", "queued", "completed"]


def test_a_job_ends_after_its_time_so_that_others_get_their_turn(
    offices: list[Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock: Callable[[], float] = itertools.count(0.0, functions.GOES_ON_FOR).__next__
    first, *_ = [one.request() for one in offices]
    monkeypatch.setattr(functions, "monotonic", clock)
    functions.run(first.id, 1)
    assert states() == ["completed", "queued", "queued"]


def test_without_redis_a_job_does_its_own_run_and_ends(
    offices: list[Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    import redis

    first, *_ = [one.request() for one in offices]
    away = redis.Redis(host="127.0.0.1", port=9, socket_connect_timeout=1)
    monkeypatch.setitem(offices[0].app.extensions, "redis", away)
    functions.run(first.id, 1)
    assert states() == ["completed", "queued", "queued"]


def test_redis_is_not_asked_when_nothing_waits(
    offices: list[Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = offices[0].request()
    monkeypatch.delitem(offices[0].app.extensions, "redis")  # whoever asks for it fails
    functions.run(run.id, 1)
    assert states() == ["completed"]


def test_who_asks_themselves_is_put_before_what_the_schedule_made(offices: list[Office]) -> None:
    scheduled, asked = offices[0].request(), offices[1].request()
    wake.wake([(scheduled.id, 1)])
    wake.wake_soon(asked.id, 1)
    assert wake.queue(SYNC["intercom"]).get_job_ids() == [f"run-{asked.id}-1", f"run-{scheduled.id}-1"]
