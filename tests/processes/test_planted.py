"""Entries planted in Redis under a real worker and a real scheduler: both live, and go on with what is theirs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.planted import IN_A_QUEUE, IN_THE_SCHEDULE
from tests.processes.deployment import Deployment, workers_of
from webapp.core.models import utcnow
from webapp.jobs.scheduler import TickScheduler
from webapp.queue import wake

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def ticks_on(deployment: Deployment) -> None:
    """Return once a due run was made by the tick and worked."""
    office = deployment.office
    last = office.sync_settings.last_success_at
    office.configure(next_run_at=utcnow() - timedelta(seconds=1))
    deployment.wait(lambda: office.sync_settings.last_success_at != last)


def test_A16_nothing_planted_ends_the_worker_or_one_of_its_workers(deployment: Deployment) -> None:
    deployment.scheduler()
    program = deployment.worker()
    ticks_on(deployment)
    before = {worker.pid for worker in workers_of(program)}
    for name, plant in IN_A_QUEUE.items():
        print(name)
        plant(wake.connection())
        ticks_on(deployment)
        assert {worker.pid for worker in workers_of(program)} == before, name
    assert program.process.poll() is None
    deployment.wait(lambda: wake.depth() == 0)
    deployment.wait(lambda: not wake.connection().exists("rq:job:planted"))
    assert "quitting" not in program.said()


def test_A16_nothing_planted_ends_the_scheduler_or_stops_the_tick(deployment: Deployment) -> None:
    scheduler = deployment.scheduler()
    deployment.worker()
    ticks_on(deployment)
    for name, plant in IN_THE_SCHEDULE.items():
        print(name)
        plant(wake.connection())
        ticks_on(deployment)
        assert scheduler.process.poll() is None
    assert "Traceback" not in scheduler.said()
    assert wake.connection().zcard(TickScheduler.scheduled_jobs_key) == 1
