"""The scheduler process: rq-scheduler with one repeating job, the tick.

Everything that is due is decided by the tick from the database; nothing else is ever scheduled here. To
replace rq-scheduler, replace this module.
"""

from __future__ import annotations

import logging
import signal
import time
from datetime import UTC, datetime, timedelta

import redis
import rq_scheduler
from flask import Flask
from rq.exceptions import DeserializationError
from rq.job import Job
from sqlalchemy.exc import SQLAlchemyError

from config import Settings
from webapp import heartbeat
from webapp.database import write_transaction
from webapp.models import utcnow
from webapp.queue import CONTROL, TICK, SafeJob

log = logging.getLogger(__name__)

TICK_ID = "tick-due-syncs"
POLL = 5  # seconds; rq-scheduler's lock lives ten seconds longer
BEAT_EVERY = timedelta(seconds=15)
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0  # seconds between tries while Redis is away


class TickScheduler(rq_scheduler.Scheduler):  # untyped package
    """rq-scheduler that registers the tick in every pass, so that an emptied Redis heals by itself."""

    app: Flask
    tick_seconds: int
    last_beat: datetime | None = None
    registered = False

    def ensure_tick(self) -> None:
        """Register the tick unless it is there; the fixed id keeps it single however many schedulers run.

        The first pass of a scheduler registers it anyway, as its settings may be new.
        """
        known = TICK_ID in self and self.connection.exists(self.job_class.key_for(TICK_ID))
        if self.registered and known:
            return
        self.schedule(
            datetime.now(UTC),
            TICK,
            interval=self.tick_seconds,
            id=TICK_ID,
            queue_name=CONTROL,
            timeout=120,
            result_ttl=-1,  # a job that expired would take its own schedule with it
        )
        self.registered = True

    def enqueue_jobs(self) -> list[Job]:
        """One pass, under rq-scheduler's lock."""
        self._beat()
        self.ensure_tick()
        try:
            enqueued: list[Job] = super().enqueue_jobs()
            return enqueued
        except DeserializationError:
            log.exception(
                "an unreadable entry was in the schedule; it is removed and the tick registered anew"
            )
            self.connection.delete(self.scheduled_jobs_key, self.job_class.key_for(TICK_ID))
            self.ensure_tick()
            return []

    def enqueue_job(self, job: Job) -> None:
        """Put the tick into its queue unless it waits there already: no pile-up while no worker listens."""
        if self.connection.lpos(f"rq:queue:{job.origin}", job.id) is None:
            super().enqueue_job(job)
            return
        self.connection.zadd(self.scheduled_jobs_key, {job.id: int(time.time()) + int(job.meta["interval"])})

    def _install_signal_handlers(self) -> None:
        """:func:`serve` has its own, which work while Redis is away as well."""

    def _beat(self) -> None:
        now = utcnow()
        if self.last_beat is not None and now - self.last_beat < BEAT_EVERY:
            return
        try:
            with self.app.app_context(), write_transaction() as session:
                heartbeat.beat(session, heartbeat.SCHEDULER, now)
            self.last_beat = now
        except SQLAlchemyError:
            log.exception("the scheduler could not note that it is alive")


def serve(app: Flask) -> None:
    """Tick until told to end (SIGTERM, SIGINT), through outages of Redis. Call in the main thread."""
    settings: Settings = app.extensions["settings"]
    told_to_end = False

    def end(_number: int, _frame: object) -> None:
        nonlocal told_to_end
        told_to_end = True
        raise SystemExit

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    pause = FIRST_PAUSE
    while True:
        scheduler = TickScheduler(
            CONTROL,
            connection=app.extensions["redis"],
            interval=min(POLL, settings.tick_seconds),
            job_class=SafeJob,
        )
        scheduler.app = app
        scheduler.tick_seconds = settings.tick_seconds
        try:
            scheduler.run()
        except (redis.ConnectionError, redis.TimeoutError) as error:
            if told_to_end:  # saying goodbye to a Redis that is away
                return
            if scheduler.registered:
                pause = FIRST_PAUSE
            log.warning("Redis is away (%s); trying again in %.0f s", error, pause)
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
