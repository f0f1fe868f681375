"""Real workers and schedulers, killed for real: every run ends, and ends as if nothing had happened."""

from __future__ import annotations

from signal import SIGKILL, SIGTERM

import pytest
import redis

from tests.processes.deployment import Deployment, horse_of, kill_all_of
from tests.servers.processes import wait_until
from webapp.core.models import utcnow
from webapp.jobs.scheduler import TickScheduler
from webapp.queue import wake

only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize("when", ["while it reads", "while it writes"])
def test_a_run_whose_worker_is_killed_is_taken_up_again_by_itself_and_ends_as_if_nothing_had_happened(
    deployment: Deployment, when: str
) -> None:
    office = deployment.office
    deployment.scheduler()
    first = deployment.worker()
    if when == "while it reads":
        deployment.caller.control("DELETE", "requests")
        deployment.caller.fault(path="/admins", kind="hang", times=1)
    run = office.request()
    wake.wake_soon(run.id, 1)
    if when == "while it reads":
        deployment.wait(lambda: any(call["path"] == "/admins" for call in deployment.caller.asked()))
    else:
        deployment.wait(lambda: office.run(run.id).done >= 20)
    kill_all_of(first)
    assert office.run(run.id).state == "running"
    deployment.worker()
    run = deployment.wait_for_end(run)
    assert (run.state, run.attempt) == ("completed", 2)
    assert run.found == len(office.remembered()) + run.reasons["bot"]  # type: ignore[index]
    assert [event["title"] for event in run.timeline or []].count("Taken up again") == 1

    undisturbed = deployment.another_office()
    other = undisturbed.request()
    wake.wake_soon(other.id, 1)
    deployment.wait_for_end(other, undisturbed)
    assert office.everything(run) == undisturbed.everything(other)


@only_sqlite
def test_a_run_whose_child_alone_is_killed_is_taken_up_by_the_same_worker(deployment: Deployment) -> None:
    office = deployment.office
    deployment.scheduler()
    worker = deployment.worker()
    run = office.request()
    wake.wake_soon(run.id, 1)
    deployment.wait(lambda: office.run(run.id).done >= 20)
    horse = horse_of(worker)
    assert horse is not None
    horse.kill()
    run = deployment.wait_for_end(run)
    assert (run.state, run.attempt) == ("completed", 2)
    assert worker.process.poll() is None


@only_sqlite
def test_a_worker_that_is_told_to_end_finishes_its_run_first(deployment: Deployment) -> None:
    office = deployment.office
    worker = deployment.worker()
    run = office.request()
    wake.wake_soon(run.id, 1)
    deployment.wait(lambda: office.run(run.id).done >= 5)
    assert worker.stop(SIGTERM, patience=90) == 0
    run = office.run(run.id)
    assert (run.state, run.attempt) == ("completed", 1)


@only_sqlite
def test_a_queued_run_survives_an_emptied_redis(deployment: Deployment) -> None:
    office = deployment.office
    run = office.request()
    assert wake.wake_soon(run.id, 1)
    wake.connection().flushall()
    deployment.scheduler()
    deployment.worker()
    assert deployment.wait_for_end(run).state == "completed"


@only_sqlite
def test_redis_emptied_under_a_running_run_and_a_running_scheduler_harms_neither(
    deployment: Deployment,
) -> None:
    office = deployment.office
    deployment.scheduler()
    deployment.worker()
    run = office.request()
    wake.wake_soon(run.id, 1)
    deployment.wait(lambda: office.run(run.id).done >= 5)
    wake.connection().flushall()
    run = deployment.wait_for_end(run)
    assert (run.state, run.attempt) == ("completed", 1)
    office.configure(next_run_at=utcnow())
    deployment.wait(lambda: (office.sync_settings.next_run_at or utcnow()) > utcnow())


@only_sqlite
def test_a_scheduler_that_was_killed_and_started_again_goes_on_with_one_tick(deployment: Deployment) -> None:
    office = deployment.office
    first = deployment.scheduler()
    registered = TickScheduler.scheduled_jobs_key
    deployment.wait(lambda: wake.connection().zcard(registered) == 1)
    first.process.send_signal(SIGKILL)
    first.process.wait()
    for _ in range(2):  # a second one beside it does no harm
        deployment.scheduler()
    deployment.worker()
    office.configure(next_run_at=utcnow())
    deployment.wait(lambda: office.sync_settings.last_success_at is not None)
    assert wake.connection().zcard(registered) == 1
    assert office.sync_settings.columns_seen


@only_sqlite
def test_redis_may_be_stopped_and_started_under_everything(deployment: Deployment) -> None:
    """A worker that is busy in that moment ends, and its supervisor starts another."""
    office = deployment.office
    scheduler, keep_worker = deployment.scheduler(), deployment.kept_worker()
    office.configure(next_run_at=utcnow())
    deployment.wait(lambda: office.sync_settings.last_success_at is not None)
    deployment.redis.stop()
    run = office.request()
    assert wake.wake_soon(run.id, 1) is False
    deployment.wait(lambda: "Redis is away" in scheduler.said())
    deployment.redis.start()

    def ended() -> bool:
        keep_worker()
        return not office.run(run.id).live

    deployment.wait(ended)
    assert office.run(run.id).state == "completed"
    assert scheduler.process.poll() is None


@only_sqlite
def test_a_scheduler_ends_when_told_to_with_redis_and_without(deployment: Deployment) -> None:
    registered = TickScheduler.scheduled_jobs_key
    scheduler = deployment.scheduler()
    deployment.wait(lambda: wake.connection().zcard(registered) == 1)
    assert scheduler.stop(SIGTERM) == 0
    deployment.redis.stop()
    with pytest.raises(redis.RedisError):
        wake.connection().ping()
    scheduler = deployment.scheduler()
    deployment.wait(lambda: "Redis is away" in scheduler.said())
    assert scheduler.stop(SIGTERM) == 0


@only_sqlite
def test_a_page_where_data_are_due_fails_the_run_with_nothing_written(
    deployment: Deployment,
) -> None:
    office = deployment.office
    deployment.worker()
    deployment.caller.fault(path="/admins", kind="html")
    run = office.request()
    wake.wake_soon(run.id, 1)
    run = deployment.wait_for_end(run)
    assert (run.state, run.error_kind) == ("failed", "bad_response")
    assert (office.users(), office.remembered()) == ({}, {})
    wait_until(lambda: wake.depth() == 0)
