"""``python -m bench.measured_worker REPORT``: the product's worker, for the jobs that wait, with figures.

The job is measured where it is worked in real life, in the process that the worker forks for it, from the
moment RQ hands it over until RQ has put its outcome away. What the worker loads before is not in the seconds,
but in the memory.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
from rq.serializers import JSONSerializer

from bench.figures import counted, measured
from webapp import create_app
from webapp.core import logs
from webapp.core.models import db
from webapp.jobs.worker import AppWorker
from webapp.operations.startup import ready_to_serve
from webapp.queue.jobs import SYNC, SafeJob
from webapp.queue.wake import queue


class MeasuredWorker(AppWorker):
    """Writes the figures of each job it works to ``report``."""

    report: Path

    def perform_job(self, job: Any, queue: Any, execution: Any) -> bool:
        with counted(db.engine) as statements, measured() as figures:
            done = bool(super().perform_job(job, queue, execution))
        figures.statements = statements()
        self.report.write_bytes(msgspec.json.encode(figures))
        return done


def main(report: Path) -> None:
    """Work what is in the queue, then end."""
    logs.init_logging("WARNING")
    app = ready_to_serve(create_app())
    with app.app_context():
        waiting = queue(SYNC["intercom"])
    worker = MeasuredWorker(
        [waiting], connection=app.extensions["redis"], serializer=JSONSerializer, job_class=SafeJob
    )
    worker.app = app
    worker.report = report
    worker.work(burst=True, logging_level="WARNING")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
