"""The scheduler process: rq-scheduler with one repeating job, the tick.

Everything that is due is decided by the tick from the database; nothing else is ever scheduled here, and
whatever else is found in the schedule is removed. All times are those of Redis, so that several schedulers
agree; a clock that is set back makes nobody wait. To replace rq-scheduler, replace this module.
"""

from __future__ import annotations

import logging
import signal
import time
from datetime import UTC, datetime, timedelta

import redis
import rq_scheduler
from flask import Flask
from rq.job import Job
from sqlalchemy.exc import SQLAlchemyError

from config import Settings
from webapp.core import heartbeat
from webapp.core.database import write_transaction
from webapp.core.models import utcnow
from webapp.jobs.queue_mending import PLANTED, mend_all
from webapp.queue.jobs import CONTROL, TICK, TICK_ID, SafeJob, SafeQueue

log = logging.getLogger(__name__)

POLL = 5  # seconds; rq-scheduler's lock lives ten seconds longer
LOCK_MORE = 10  # seconds by which that is
BEAT_EVERY = timedelta(seconds=15)
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0  # seconds between tries while Redis is away


class TickScheduler(rq_scheduler.Scheduler):  # untyped package
    """rq-scheduler that registers the tick in every pass, so that an emptied Redis heals by itself."""

    app: Flask
    tick_seconds: int
    last_beat: datetime | None = None
    registered = False

    def run(self, burst: bool = False) -> None:
        """Pass after pass, with the same pause between them whatever the clock does."""
        self.register_birth()
        try:
            while True:
                self.heartbeat()
                if self.acquire_lock():
                    self.enqueue_jobs()
                    self.remove_lock()
                if burst:
                    return
                time.sleep(self._interval)
        finally:
            self.remove_lock()
            self.register_death()

    def acquire_lock(self) -> bool:
        """Take the lock of one pass. One that would outlive any pass was planted, or the clock was set back."""
        if super().acquire_lock():
            return True
        left = self.connection.ttl(self.scheduler_lock_key)
        if left == -1 or left > int(self._interval) + LOCK_MORE:
            log.warning("the lock of the schedule would not have ended; it is removed")
            self.connection.delete(self.scheduler_lock_key)
            return bool(super().acquire_lock())
        return False

    def ensure_tick(self) -> None:
        """Register the tick unless it is there; the fixed id keeps it single however many schedulers run.

        The first pass of a scheduler registers it anyway, as its settings may be new.
        """
        now = self._now()
        due = self.connection.zscore(self.scheduled_jobs_key, TICK_ID)
        soon = due is not None and 0 <= due <= now + self.tick_seconds + POLL
        if self.registered and soon and self.connection.exists(self.job_class.key_for(TICK_ID)):
            return
        self.schedule(
            datetime.fromtimestamp(now, UTC),
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
        self._remove_strangers()
        self.ensure_tick()
        enqueued: list[Job] = list(self.get_jobs(self._now()))
        for job in enqueued:
            self.enqueue_job(job)
        return enqueued

    def enqueue_job(self, job: Job) -> None:
        """Put the tick into its queue unless it waits there already: no pile-up while no worker listens."""
        if self.connection.lpos(f"rq:queue:{CONTROL}", job.id) is None:
            SafeQueue(CONTROL, connection=self.connection, job_class=SafeJob).enqueue_job(job)
        self.connection.zadd(self.scheduled_jobs_key, {job.id: self._now() + self.tick_seconds})

    def _install_signal_handlers(self) -> None:
        """:func:`serve` has its own, which work while Redis is away as well."""

    def _now(self) -> int:
        """The time of Redis (Unix seconds)."""
        return int(self.connection.time()[0])

    def _remove_strangers(self) -> None:
        """Remove whatever is in the schedule and is not the tick."""
        listed = self.connection.zcard(self.scheduled_jobs_key)
        due = self.connection.zscore(self.scheduled_jobs_key, TICK_ID)
        strangers = listed - (due is not None)
        if strangers:
            log.warning("%s entries of the schedule were not ours and are removed", strangers)
            self.connection.delete(self.scheduled_jobs_key)
            if due is not None:
                self.connection.zadd(self.scheduled_jobs_key, {TICK_ID: due})

    def _beat(self) -> None:
        now = utcnow()
        if self.last_beat is not None and timedelta(0) <= now - self.last_beat < BEAT_EVERY:
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
    log.info("scheduler started, a tick every %s s", settings.tick_seconds)
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
        except PLANTED as error:
            if told_to_end:
                return
            log.warning("a pass over the schedule failed (%s: %.200s)", type(error).__name__, error)
            _mend(scheduler.connection)
            time.sleep(FIRST_PAUSE)


def _mend(connection: redis.Redis) -> None:
    try:
        mend_all(connection)
    except redis.RedisError as error:
        log.warning("the queue could not be tidied: %.200s", error)
