"""The queue: JSON, our own functions and ids, each attempt once, and nothing lost when Redis is away."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import redis
import rq
import sqlalchemy as sa
from flask import Flask
from rq.exceptions import NoSuchJobError
from rq.serializers import JSONSerializer

import webapp
from tests.planted import IN_A_QUEUE
from tests.sync.office import Office, open_office
from webapp.core import heartbeat
from webapp.core.database import write_transaction
from webapp.core.models import Incident, Question, SyncRun, db, utcnow
from webapp.jobs import functions as jobs_functions
from webapp.jobs.queue_mending import mend, mend_all, tidy
from webapp.queue import wake
from webapp.queue.jobs import CONTROL, KINDS, RUN, SYNC, TICK, TICK_ID, SafeJob
from webapp.sync.schedule.pick_order import waiting

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def office(app: Flask) -> Iterator[Office]:
    with app.app_context():
        yield open_office(app)


@pytest.fixture
def connection(app: Flask) -> redis.Redis:
    found: redis.Redis = app.extensions["redis"]
    return found


def burst(app: Flask) -> None:
    """Work everything that waits, in this process."""
    with app.app_context():
        worker = rq.SimpleWorker(
            [wake.queue(CONTROL), wake.queue(SYNC["intercom"])],
            connection=wake.connection(),
            serializer=JSONSerializer,
            job_class=SafeJob,
        )
        worker.work(burst=True, logging_level="CRITICAL")


def plant(connection: redis.Redis, job_id: str, data: bytes, **fields: str) -> None:
    """Put a job into the queue behind the product's back, as somebody with access to Redis could."""
    values = {
        "data": data,
        "origin": SYNC["intercom"],
        "status": "queued",
        "created_at": "2026-11-24T00:00:00.000000Z",
    }
    connection.hset(f"rq:job:{job_id}", mapping=values | fields)
    connection.rpush(f"rq:queue:{SYNC['intercom']}", job_id)


# ------------------------------------------------------------------ what is put
def test_a_job_is_json_that_names_our_function_and_two_ids(office: Office, connection: redis.Redis) -> None:
    run = office.request()
    assert wake.wake_soon(run.id, run.attempt)
    (job_id,) = wake.queue(SYNC["intercom"]).get_job_ids()
    assert job_id == f"run-{run.id}-1"
    stored = connection.hgetall(f"rq:job:{job_id}")
    assert JSONSerializer.loads(_unpacked(stored[b"data"])) == [RUN, None, [run.id, 1], {}]
    assert {value for name, value in stored.items() if b"callback" in name} <= {b""}
    whole = b" ".join([*stored.keys(), *stored.values()])
    assert b"secret" not in whole
    assert office.integration.credentials is not None
    assert office.integration.credentials.encode() not in whole


def test_an_attempt_is_put_once_however_often_it_is_woken(office: Office) -> None:
    run = office.request()
    assert [wake.wake([(run.id, 1)]) for _ in range(3)] == [1, 0, 0]
    assert wake.wake([(run.id, 2), (run.id, 2)]) == 1
    assert wake.queue(SYNC["intercom"]).count == 2


def test_an_attempt_that_is_being_started_is_not_put_again(office: Office) -> None:
    run = office.request()
    wake.wake_soon(run.id, 1)
    rq.Queue.dequeue_any(
        [wake.queue(SYNC["intercom"])], None, connection=wake.connection(), job_class=SafeJob
    )
    assert wake.queue(SYNC["intercom"]).count == 0
    assert wake.wake([(run.id, 1)]) == 0
    wake.forget_stuck(run.id, 1)
    assert wake.wake([(run.id, 1)]) == 1


def test_a_job_that_has_run_leaves_nothing_behind(office: Office, connection: redis.Redis) -> None:
    run = office.request()
    with write_transaction() as session:
        session.execute(sa.update(SyncRun).values(state="cancelled"))
    wake.wake_soon(run.id, 1)
    burst(office.app)
    assert connection.keys("rq:job:*") == []
    assert wake.depth() == 0


# ------------------------------------------------------------------ what is refused
@pytest.mark.parametrize(
    "call",
    [
        ["os.system", None, ["touch {mark}"], {}],
        ["subprocess.check_call", None, [["touch", "{mark}"]], {}],
        ["webapp.queue.wake.forget_stuck", None, [1, 1], {}],
        ["builtins.open", None, ["{mark}", "w"], {}],
        ["webapp.jobs.tick", {"an": "instance"}, [], {}],
    ],
    ids=["os.system", "subprocess", "our own, not listed", "builtin", "a method"],
)
def test_attack_19_a_planted_job_that_is_not_listed_does_not_run(
    office: Office, connection: redis.Redis, tmp_path: Path, call: list[object]
) -> None:
    mark = tmp_path / "mark"
    data = JSONSerializer.dumps(call).replace(b"{mark}", str(mark).encode())
    plant(connection, "planted", data)
    burst(office.app)
    assert not mark.exists()
    assert wake.queue(SYNC["intercom"]).count == 0


def test_attack_19_a_planted_pickle_is_never_opened(
    office: Office, connection: redis.Redis, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (mark,)

    pickle.loads(pickle.dumps(Trap()))  # noqa: S301 - to show that the trap works
    assert mark.exists()
    mark.unlink()
    plant(connection, "planted", pickle.dumps(("webapp.jobs.tick", None, (Trap(),), {})))
    burst(office.app)
    assert not mark.exists()


def test_planted_callbacks_are_dropped(office: Office, connection: redis.Redis) -> None:
    plant(
        connection,
        "planted",
        JSONSerializer.dumps([TICK, None, [], {}]),
        success_callback_name=f"{__name__}.sprung",
        failure_callback_name=f"{__name__}.sprung",
        stopped_callback_name=f"{__name__}.sprung",
    )
    job = SafeJob.fetch("planted", connection=connection, serializer=JSONSerializer)
    assert (job.success_callback, job.failure_callback, job.stopped_callback) == (None, None, None)
    burst(office.app)
    db.session.rollback()
    assert heartbeat.seen(heartbeat.WORKER).alive  # the tick itself has run
    assert SPRUNG == []


SPRUNG: list[object] = []


def sprung(*arguments: object) -> None:
    """What the planted callbacks name."""
    SPRUNG.append(arguments)


def test_planted_arguments_that_are_no_ids_change_nothing(office: Office, connection: redis.Redis) -> None:
    run = office.request()
    plant(connection, "planted", JSONSerializer.dumps([RUN, None, ["1 OR 1=1", {"a": 1}], {}]))
    burst(office.app)
    assert office.run(run.id).state == "queued"


# ------------------------------------------------------------------ ticks and outages
def test_an_emptied_redis_is_filled_again_by_the_next_tick(office: Office, connection: redis.Redis) -> None:
    run = office.request()
    wake.wake_soon(run.id, 1)
    connection.flushall()
    jobs_functions.tick()
    assert wake.queue(SYNC["intercom"]).get_job_ids() == [f"run-{run.id}-1"]
    jobs_functions.tick()
    assert wake.queue(SYNC["intercom"]).count == 1


def test_a_run_whose_job_vanished_between_taking_and_claiming_is_put_again(office: Office) -> None:
    run = office.request()
    wake.wake_soon(run.id, 1)
    rq.Queue.dequeue_any(
        [wake.queue(SYNC["intercom"])], None, connection=wake.connection(), job_class=SafeJob
    )
    jobs_functions.tick()
    assert wake.queue(SYNC["intercom"]).count == 0  # a worker may be about to claim it
    with write_transaction() as session:
        session.execute(sa.update(SyncRun).values(queued_at=utcnow() - jobs_functions.STUCK_AFTER * 1.01))
    jobs_functions.tick()
    assert wake.queue(SYNC["intercom"]).get_job_ids() == [f"run-{run.id}-1"]


def test_a_run_that_has_waited_long_in_the_queue_keeps_its_place(
    office: Office, connection: redis.Redis
) -> None:
    first, second = office.request(), open_office(office.app).request()
    wake.wake([(first.id, 1), (second.id, 1)])
    with write_transaction() as session:
        session.execute(sa.update(SyncRun).values(queued_at=utcnow() - jobs_functions.STUCK_AFTER * 2))
    jobs_functions.tick()
    assert wake.queue(SYNC["intercom"]).get_job_ids() == [f"run-{first.id}-1", f"run-{second.id}-1"]
    assert connection.exists(f"rq:job:run-{first.id}-1")


@pytest.fixture
def away(app: Flask, settings: object, tmp_path: Path) -> Iterator[Office]:
    """An office whose Redis is away."""
    settings = replace(app.extensions["settings"], redis_url=f"unix://{tmp_path}/nothing.sock")
    other = webapp.create_app(settings)
    with other.app_context():
        yield open_office(other)
        db.session.remove()
        db.engine.dispose()


def test_without_redis_nothing_fails_and_the_run_waits_for_the_next_tick(away: Office) -> None:
    run = away.request()
    assert wake.wake_soon(run.id, 1) is False
    assert wake.depth() is None
    jobs_functions.tick()
    with write_transaction() as session:
        assert waiting(session, 9) == [(run.id, 1)]
    with pytest.raises(redis.RedisError):
        wake.wake([(run.id, 1)])


def test_ticks_without_redis_still_make_what_is_due(away: Office) -> None:
    away.configure(next_run_at=utcnow())
    jobs_functions.tick()
    with write_transaction() as session:
        assert len(waiting(session, 9)) == 1


def test_ticks_without_redis_still_note_what_is_overdue(away: Office) -> None:
    then = utcnow() - timedelta(hours=13)
    away.configure(enabled_at=then, last_success_at=None, doubles_wanted_at=then)
    jobs_functions.tick()
    assert db.session.scalars(sa.select(Incident.kind)).all() == ["overdue"]


def _unpacked(data: bytes) -> bytes:
    """RQ may compress what it stores."""
    try:
        return zlib.decompress(data)
    except zlib.error:
        return data


# ------------------------------------------------------------------ what is planted
TAKEN = (
    "limits that are none",
    "wrong meta",
    "meta that names a class",
    "callbacks and webhooks",
)  # without those
PLANTED_JOBS = {
    name: plant
    for name, plant in IN_A_QUEUE.items()
    if name in (*TAKEN, "garbage", "nothing", "a pickle", "a function that is not listed", "IDs that are none",
                "too few IDs", "named arguments", "deep JSON", "JSON of another shape", "a bomb", "a huge payload",
                "a huge name of the queue", "a time that is none", "a state that is none", "another queue",
                "a string where a job is")
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED_JOBS)
def test_A16_of_a_planted_job_nothing_is_left_but_what_ours_have(
    app: Flask, connection: redis.Redis, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    PLANTED_JOBS[name](connection)
    if name in TAKEN:
        job = SafeJob.fetch("planted", connection)
        assert job.func_name in KINDS
        assert (job.timeout, job.result_ttl, job.failure_ttl) == (KINDS[job.func_name].timeout, 0, 0)
        assert (job.meta, job.webhooks, job.retries_left, job.repeats_left) == ({}, [], None, None)
        assert (job.success_callback, job.dependency_ids, job.rate_limit_key) == (None, [], None)
        return
    with pytest.raises(NoSuchJobError):
        SafeJob.fetch("planted", connection)
    assert not connection.exists("rq:job:planted")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "webapp.queue.jobs"]
    assert "is removed" in line
    assert len(line) < 300


def test_A16_keys_of_another_type_are_removed_and_all_others_kept(
    app: Flask, connection: redis.Redis, office: Office
) -> None:
    run = office.request()
    wake.wake_soon(run.id, 1)
    connection.set("rq:results:other", "x")
    connection.set(f"rq:wip:{CONTROL}", "x")
    connection.set("somebody:else", "x")
    assert (mend(connection), mend_all(connection), mend_all(connection)) == (1, 1, 0)
    assert wake.waiting_runs() == {f"run-{run.id}-1"}
    assert connection.get("somebody:else") == b"x"


def test_what_dead_workers_left_in_redis_is_forgotten_but_for_the_tick(
    app: Flask, connection: redis.Redis
) -> None:
    for job_id in ("run-1-1", TICK_ID):
        connection.hset(f"rq:job:{job_id}", "data", "x")
        connection.zadd(f"rq:wip:{CONTROL}", {f"{job_id}:an-execution": 1})
    connection.sadd("rq:workers", "rq:worker:dead", "rq:worker:alive")
    connection.hset("rq:worker:alive", "pid", "1")
    tidy(connection)
    assert {bytes(key) for key in connection.scan_iter("rq:job:*")} == {f"rq:job:{TICK_ID}".encode()}
    assert not connection.exists(f"rq:wip:{CONTROL}")
    assert connection.smembers("rq:workers") == {b"rq:worker:alive"}


def test_B3_a_question_waits_with_the_runs_of_its_platform_and_before_them(office: Office) -> None:
    run = office.request()
    wake.wake([(run.id, 1)])
    with write_transaction() as session:
        question = Question(
            contract_id=office.contract_id,
            integration_id=office.integration_id,
            text="Ada",
            asked_by="Somebody",
        )
        session.add(question)
        session.flush()
        question_id = question.id
    assert wake.wake_answer(question_id)
    assert wake.queue(SYNC["intercom"]).get_job_ids() == [f"question-{question_id}-1", f"run-{run.id}-1"]
    assert wake.queue(CONTROL).count == 0
