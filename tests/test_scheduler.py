"""The scheduler: one repeating tick, whatever happens to Redis."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis
from flask import Flask
from rq.serializers import JSONSerializer

from tests.planted import IN_THE_SCHEDULE, Plant
from webapp.core import heartbeat
from webapp.core.database import write_transaction
from webapp.core.models import db, utcnow
from webapp.jobs.queue_mending import PLANTED, mend_all
from webapp.jobs.scheduler import BEAT_EVERY, TickScheduler
from webapp.queue import wake
from webapp.queue.jobs import CONTROL, TICK, TICK_ID, SafeJob

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def connection(app: Flask) -> Iterator[redis.Redis]:
    with app.app_context():
        yield app.extensions["redis"]


def scheduler(app: Flask, tick_seconds: int = 30) -> TickScheduler:
    made = TickScheduler(CONTROL, connection=app.extensions["redis"], interval=5, job_class=SafeJob)
    made.app, made.tick_seconds = app, tick_seconds
    return made


def entries(connection: redis.Redis) -> dict[bytes, float]:
    """What is scheduled, with its due time (Unix time)."""
    return dict(connection.zrange(TickScheduler.scheduled_jobs_key, 0, -1, withscores=True))


def waiting() -> list[str]:
    return list(wake.queue(CONTROL).get_job_ids())


def test_a_pass_puts_the_tick_into_its_queue_and_plans_the_next(app: Flask, connection: redis.Redis) -> None:
    scheduler(app).enqueue_jobs()
    assert waiting() == [TICK_ID]
    ((entry, due),) = entries(connection).items()
    assert entry == TICK_ID.encode()
    assert time.time() + 20 < due < time.time() + 40
    stored = connection.hgetall(f"rq:job:{TICK_ID}")
    job = SafeJob.fetch(TICK_ID, connection=connection, serializer=JSONSerializer)
    assert (job.func_name, job.args, job.kwargs) == (TICK, [], {})
    assert json.loads(stored[b"meta"])["interval"] == 30
    assert connection.ttl(f"rq:job:{TICK_ID}") == -1  # a tick that expired would end the schedule


def test_the_tick_is_registered_once_however_often_schedulers_start(
    app: Flask, connection: redis.Redis
) -> None:
    for _ in range(5):
        scheduler(app).enqueue_jobs()
    assert list(entries(connection)) == [TICK_ID.encode()]
    assert waiting() == [TICK_ID]  # and it does not pile up while no worker listens


def test_two_schedulers_beside_each_other_plan_one_tick(app: Flask, connection: redis.Redis) -> None:
    one, two = scheduler(app), scheduler(app)
    for each in (one, two, one, two):
        each.enqueue_jobs()
    assert list(entries(connection)) == [TICK_ID.encode()]
    assert waiting() == [TICK_ID]


def test_a_new_interval_counts_from_the_next_start_on(app: Flask, connection: redis.Redis) -> None:
    scheduler(app, tick_seconds=30).enqueue_jobs()
    wake.queue(CONTROL).empty()
    scheduler(app, tick_seconds=7).enqueue_jobs()
    (due,) = entries(connection).values()
    assert due < time.time() + 15


def test_an_emptied_redis_is_healed_by_the_next_pass(app: Flask, connection: redis.Redis) -> None:
    running = scheduler(app)
    running.enqueue_jobs()
    connection.flushall()
    running.enqueue_jobs()
    assert list(entries(connection)) == [TICK_ID.encode()]
    assert waiting() == [TICK_ID]


def test_a_tick_whose_job_was_lost_is_registered_anew(app: Flask, connection: redis.Redis) -> None:
    """Emptying a queue deletes the jobs in it, and so the schedule of one that waits there."""
    running = scheduler(app)
    running.enqueue_jobs()
    wake.queue(CONTROL).empty()
    assert not connection.exists(f"rq:job:{TICK_ID}")
    running.enqueue_jobs()
    assert connection.exists(f"rq:job:{TICK_ID}")
    assert waiting() == [TICK_ID]


@pytest.mark.parametrize("poisoned", [TICK_ID, "planted"])
def test_an_unreadable_entry_is_removed_and_the_tick_goes_on(
    app: Flask, connection: redis.Redis, poisoned: str
) -> None:
    running = scheduler(app)
    running.enqueue_jobs()
    connection.hset(
        f"rq:job:{poisoned}", mapping={"data": b"\x80garbage", "created_at": "2026-11-24T00:00:00Z"}
    )
    connection.zadd(TickScheduler.scheduled_jobs_key, {poisoned: 0})
    for _ in range(2):
        running.enqueue_jobs()
    assert list(entries(connection)) == [TICK_ID.encode()]
    assert waiting() == [TICK_ID]


def test_a_pass_is_noted_as_a_sign_of_life_but_not_every_five_seconds(
    app: Flask, connection: redis.Redis
) -> None:
    def seen() -> heartbeat.Seen:
        db.session.rollback()
        return heartbeat.seen(heartbeat.SCHEDULER)

    assert seen().seen_at is None
    running = scheduler(app)
    running.enqueue_jobs()
    first = seen()
    assert first.alive
    running.enqueue_jobs()
    assert seen() == first
    running.last_beat = first.seen_at and first.seen_at - BEAT_EVERY
    running.enqueue_jobs()
    assert seen() != first


@pytest.mark.parametrize("hours", [-2, 2], ids=["set back", "put forward"])
def test_B10_the_tick_goes_on_when_the_clock_is_set(app: Flask, connection: redis.Redis, hours: int) -> None:
    """What was registered before lies hours away from the new time, in either direction."""
    running = scheduler(app)
    running.enqueue_jobs()
    wake.queue(CONTROL).empty()
    running.ensure_tick()
    connection.zadd(TickScheduler.scheduled_jobs_key, {TICK_ID: time.time() + 30 - hours * 3600})
    running.enqueue_jobs()
    assert waiting() == [TICK_ID]
    (due,) = entries(connection).values()
    assert time.time() + 20 < due < time.time() + 40


def test_B10_a_lock_that_was_taken_before_the_clock_was_set_back_is_not_waited_for(
    app: Flask, connection: redis.Redis
) -> None:
    running = scheduler(app)
    connection.set(running.scheduler_lock_key, "of one that was killed", ex=2 * 3600)
    assert running.acquire_lock()
    assert not scheduler(app).acquire_lock()  # while one that is rightly held is


def test_B10_a_pass_is_noted_again_when_the_clock_was_set_back(app: Flask, connection: redis.Redis) -> None:
    running = scheduler(app)
    running.last_beat = utcnow() + timedelta(hours=2)
    running.enqueue_jobs()
    assert heartbeat.seen(heartbeat.SCHEDULER).alive


@pytest.mark.parametrize("name", [heartbeat.SCHEDULER, heartbeat.WORKER])
def test_B10_a_sign_of_life_in_the_future_is_none(app: Flask, connection: redis.Redis, name: str) -> None:
    with write_transaction() as session:
        heartbeat.beat(session, name, utcnow() + timedelta(hours=2))
    assert not heartbeat.seen(name).alive
    with write_transaction() as session:  # the process itself lives, and says so by the new time
        heartbeat.beat(session, name, utcnow() + timedelta(seconds=1))
    assert heartbeat.seen(name).alive


@pytest.mark.parametrize("plant", IN_THE_SCHEDULE.values(), ids=IN_THE_SCHEDULE)
def test_A16_what_is_planted_in_the_schedule_is_gone_after_two_passes(
    app: Flask, connection: redis.Redis, plant: Plant
) -> None:
    running = scheduler(app)
    running.enqueue_jobs()
    wake.queue(CONTROL).empty()
    plant(connection)
    for _ in range(3):
        try:
            if running.acquire_lock():
                running.enqueue_jobs()
        except PLANTED:  # the process mends and goes on
            mend_all(connection)
        running.remove_lock()
    assert list(entries(connection)) == [TICK_ID.encode()]
    assert waiting() == [TICK_ID]
