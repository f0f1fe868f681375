"""The worker process: RQ with our jobs, each in a child that has its own database connections."""

from __future__ import annotations

import gc
import logging
from typing import Any

import rq
from flask import Flask
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer

import webapp.jobs  # noqa: F401 - once here, not in every child again
from webapp.logs import bind
from webapp.models import db
from webapp.queue import CONTROL, SYNC, SafeJob, queue

log = logging.getLogger(__name__)


class AppWorker(rq.Worker):
    """Forks for each job; the child gets an app context and forgets the parent's database sockets."""

    app: Flask

    def run_maintenance_tasks(self) -> None:
        """Tidy RQ's registries; what cannot be tidied (a job whose traces are gone) must not end the worker."""
        try:
            super().run_maintenance_tasks()  # type: ignore[no-untyped-call]
        except (ValueError, NoSuchJobError) as error:
            log.warning("a registry of the queue could not be tidied: %s", error)

    def main_work_horse(self, job: Any, queue: Any) -> None:
        """Runs in the child only, which lives for one job: collecting garbage in it frees nothing in time."""
        gc.freeze()
        gc.disable()
        bind(job=job.id)
        with self.app.app_context():
            db.engine.dispose(close=False)
            super().main_work_horse(job, queue)

    def handle_exception(self, job: Job, *exc_info: Any) -> None:
        """A job failed: told by our log, which keeps people's data out of it, and not by RQ."""
        log.error("job %s failed", job.id, exc_info=exc_info)

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


def work(app: Flask) -> None:
    """Work jobs until told to end: the current one is finished first, a second signal cuts it."""
    with app.app_context():
        queues = [queue(CONTROL), queue(SYNC)]
    worker = AppWorker(
        queues,
        connection=app.extensions["redis"],
        serializer=JSONSerializer,
        job_class=SafeJob,
        worker_ttl=30,
        maintenance_interval=10,
    )
    worker.app = app
    log.info("worker started")
    worker.work(logging_level="WARNING")
