"""One worker: RQ with our jobs, each in a child that has its own database connections.

Nothing found in Redis ends it. What RQ would do on the word of Redis alone (stop, kill a job, pause) is not obeyed.
"""

from __future__ import annotations

import gc
import logging
import os
import time
from time import monotonic
from typing import Any

import redis
import rq
from flask import Flask
from rq import worker_registration
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer

from webapp.core.damage import damage_of
from webapp.core.database import close_connections
from webapp.core.logs import bind
from webapp.jobs import functions
from webapp.jobs.queue_mending import PLANTED, mend_all, tidy
from webapp.queue.jobs import SYNC, TICK_ID, SafeJob, SafeQueue
from webapp.queue.wake import queue

log = logging.getLogger(__name__)

LISTENS = 5  # seconds for which it waits for a job before it looks around
TTL = 30  # seconds; RQ keeps the sign of life for a minute longer
TIDY_EVERY = 10.0  # seconds
BEAT_EVERY = 15  # seconds between two signs of life beside a job
PAUSE = 1.0  # seconds after something was wrong, as it may stay so: a Redis that is full, or read only


class AppWorker(rq.Worker):
    """Forks for each job; the child gets an app context and forgets the parent's database sockets."""

    app: Flask
    platforms: tuple[str, ...] | None = None  # those that it reads, where not all
    parent: int = 0  # the process that it must not outlive
    queue_class = SafeQueue
    max_connection_wait_time = 10.0  # seconds between tries while Redis is away
    _tidied: float | None = None

    @property
    def dequeue_timeout(self) -> int:
        return LISTENS

    @property
    def should_run_maintenance_tasks(self) -> bool:
        """Whether it is time to tidy, by a clock that nobody sets."""
        return self._tidied is None or monotonic() - self._tidied > TIDY_EVERY

    def run_maintenance_tasks(self) -> None:
        """Tidy the queue; what cannot be tidied must not end the worker."""
        self._tidied = monotonic()
        try:
            tidy(self.connection)
        except redis.ResponseError as error:
            log.warning("the queue could not be tidied: %.200s", error)

    def subscribe(self) -> None:
        """Take no orders from Redis: what ends a worker or its job is a signal, or the run's row."""

    def set_shutdown_requested_date(self) -> None:
        """Nobody asks Redis for it, and Redis may be away when the signal comes."""

    def check_for_suspension(self, burst: bool) -> None:
        """Nobody pauses workers through Redis."""

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Say that it is there, all of it, so that an emptied Redis knows it again."""
        if pipeline is not None:
            super().heartbeat(timeout, pipeline)
            return
        if self.parent and os.getppid() != self.parent:
            log.warning("the process that started this worker is gone; it ends")
            raise StopRequested
        try:
            with self.connection.pipeline() as together:
                together.hset(self.key, mapping=self.serialize())
                worker_registration.register(self, together)
                super().heartbeat(timeout, together)
                together.execute()
        except redis.ResponseError as error:
            self._mend(error)

    def maintain_heartbeats(self, job: Any, execution: Any) -> None:
        """Beside a job: whatever is wrong in Redis, the job goes on."""
        try:
            super().maintain_heartbeats(job, execution)
        except redis.RedisError as error:
            log.warning("%s: its sign of life could not be noted: %.200s", job.id, error)

    def dequeue_job_and_maintain_ttl(self, timeout: int | None, max_idle_time: int | None = None) -> Any:
        """The next job that is one of ours."""
        while True:
            try:
                return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)
            except PLANTED as error:
                self._mend(error)

    def execute_job(self, job: Any, queue: Any) -> None:
        """Have a child carry ``job`` out. What was planted beside it ends neither of them."""
        try:
            super().execute_job(job, queue)
        except PLANTED as error:
            if self.horse_pid:  # it has the job and goes on
                self.wait_for_horse()
                self._horse_pid = 0
            self.executions.clear()
            self._mend(error)
            if job.id != TICK_ID:  # what it was for is in the database, and the tick puts it again
                self.connection.delete(job.key)

    def fork_work_horse(self, job: Any, queue: Any) -> None:
        """Fork the child that carries ``job`` out."""
        close_connections(self.app)
        super().fork_work_horse(job, queue)

    def main_work_horse(self, job: Any, queue: Any) -> None:
        """Runs in the child only, which lives for one job: collecting garbage in it frees nothing in time."""
        try:
            gc.freeze()
            gc.disable()
            bind(job=job.id)
            self.app.extensions[functions.PLATFORMS_HERE] = self.platforms
            with self.app.app_context():
                super().main_work_horse(job, queue)
        except BaseException:
            log.exception("%s could not be begun", job.id)
        finally:
            os._exit(1)  # never on into the parent's loop

    def _mend(self, error: Exception) -> None:
        log.warning("the queue holds what cannot be used (%s: %.200s)", type(error).__name__, error)
        try:
            mend_all(self.connection)
        except redis.ResponseError as another:
            log.warning("the queue could not be tidied: %.200s", another)
        time.sleep(PAUSE)

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """A job failed: told by our log, which keeps people's data out of it, and not by RQ."""
        damaged = damage_of(exc_info[1], self.app.extensions["settings"].database_url)
        why = f": {damaged}" if damaged else ""
        log.error("job %s failed%s", job.id, why, exc_info=exc_info)

    def handle_job_failure(
        self,
        job: Job,
        queue: rq.Queue,
        started_job_registry: Any = None,
        exc_string: str = "",
        execution: Any = None,
    ) -> None:
        """What RQ writes into Redis of a failure: that the log tells why."""
        super().handle_job_failure(job, queue, started_job_registry, "The log tells why.", execution)


def work(app: Flask, name: str, queues: tuple[str, ...], *, parent: int = 0) -> None:
    """Work the jobs of ``queues`` until told to end: the current one is finished first, a second signal cuts it.

    Ends with its ``parent`` process, where one is given, once its job is done.
    """
    with app.app_context():
        listed = [queue(one) for one in queues]
    tidy(app.extensions["redis"])
    worker = AppWorker(
        listed,
        name=name,
        connection=app.extensions["redis"],
        serializer=JSONSerializer,
        job_class=SafeJob,
        worker_ttl=TTL,
        job_monitoring_interval=BEAT_EVERY,
    )
    worker.app = app
    worker.parent = parent
    worker.platforms = tuple(key for key, one in SYNC.items() if one in queues) or None
    worker.work(logging_level="WARNING")
