"""The queue: Redis wakes workers, the database says what there is to do.

The tick has a queue of its own, and so has what reads each platform: whoever is slow makes nobody else wait.
What a job may be is said in :mod:`webapp.queue.jobs`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import redis
import sqlalchemy as sa
from flask import Flask, current_app
from rq.exceptions import DuplicateJobError
from rq.serializers import JSONSerializer
from rq.worker_registration import WORKERS_BY_QUEUE_KEY

from config import Settings
from webapp.core.models import Integration, Question, SyncRun, db
from webapp.queue.jobs import ANSWER, CHORES, KINDS, QUEUES, RUN, SYNC, SafeJob, SafeQueue

log = logging.getLogger(__name__)

SCHEDULERS = (
    "rq:scheduler_instance:"  # rq-scheduler's; each such key ends by itself unless its scheduler lives
)


def init_app(app: Flask, settings: Settings) -> None:
    app.extensions["redis"] = redis.Redis.from_url(
        settings.redis_url, socket_connect_timeout=2, socket_timeout=10, health_check_interval=30
    )


def connection() -> redis.Redis:
    """This process's connection pool to Redis."""
    found: redis.Redis = current_app.extensions["redis"]
    return found


def queue(name: str) -> SafeQueue:
    """The queue ``name``, with our jobs and JSON."""
    return SafeQueue(name, connection=connection(), serializer=JSONSerializer, job_class=SafeJob)


def wake(runs: Iterable[tuple[int, int]], *, at_front: bool = False) -> int:
    """Put ``(run, attempt)`` pairs into the queues of their platforms that are not in them; how many were put.

    The same attempt is put once: its job's id says so. Raises ``redis.RedisError``; the runs stay queued in
    the database and the next tick tries again.
    """
    wanted = list(runs)
    platforms = _platforms(SyncRun, [run_id for run_id, _ in wanted])
    present = waiting_runs()
    put = 0
    for run_id, attempt in wanted:
        job_id = f"run-{run_id}-{attempt}"
        if job_id in present or run_id not in platforms:
            continue
        put += _put(SYNC[platforms[run_id]], job_id, RUN, run_id, attempt, at_front=at_front)
    return put


def wake_soon(run_id: int, attempt: int) -> bool:
    """Wake a worker for a run just committed, before all that the schedule made: somebody is looking at it.

    ``False`` when Redis is away and the next tick has to.
    """
    try:
        wake([(run_id, attempt)], at_front=True)
    except redis.RedisError as error:
        log.warning("the queue is not reachable (%s); the next tick wakes a worker for run %s", error, run_id)
        return False
    return True


def wake_answer(question_id: int, attempt: int = 1) -> bool:
    """Wake a worker for a question just committed; ``False`` when Redis is away and the next tick has to.

    Somebody waits for the answer, so it goes before runs. It reads a platform, so it waits where those do.
    """
    platform = _platforms(Question, [question_id]).get(question_id)
    if platform is None:
        return True
    try:
        job_id = f"question-{question_id}-{attempt}"
        _put(SYNC[platform], job_id, ANSWER, question_id, attempt, at_front=True)
    except redis.RedisError as error:
        log.warning(
            "the queue is not reachable (%s); the next tick wakes a worker for question %s",
            error,
            question_id,
        )
        return False
    return True


def wake_chore(function: str, now: datetime) -> None:
    """Have a worker do what waits (mails, doubles), once a minute at most. Raises ``redis.RedisError``."""
    job_id = f"{function.rpartition('.')[2]}-{int(now.timestamp()) // 60}"
    _put(CHORES, job_id, function)


def _platforms(table: type[SyncRun | Question], ids: Sequence[int]) -> dict[int, str]:
    """The platform that each of the rows ``ids`` reads. What was not committed is not found."""
    if not ids:
        return {}
    with db.engine.connect() as reading:
        found = reading.execute(
            sa.select(table.id, Integration.platform)
            .join(Integration, Integration.id == table.integration_id)
            .where(table.id.in_(ids))
        )
        return {row.id: row.platform for row in found}


def _put(name: str, job_id: str, function: str, *ids: int, at_front: bool = False) -> bool:
    """Put a job into the queue ``name`` unless there is one with its id. Raises ``redis.RedisError``."""
    try:
        queue(name).enqueue(
            function,
            *ids,
            job_id=job_id,
            unique=True,
            result_ttl=0,
            failure_ttl=0,
            job_timeout=KINDS[function].timeout,
            description=job_id,
            at_front=at_front,
        )
    except DuplicateJobError:
        log.debug("%s is being started already", job_id)
        return False
    return True


def waiting_runs() -> set[str]:
    """The jobs' ids in all queues that read platforms. Raises ``redis.RedisError``."""
    found: set[str] = set()
    for name in SYNC.values():
        found.update(queue(name).get_job_ids())
    return found


def workers() -> int:
    """How many workers there are that read platforms. Raises ``redis.RedisError``."""
    return len(connection().sunion([WORKERS_BY_QUEUE_KEY % name for name in SYNC.values()]))


def has_scheduler() -> bool:
    """Whether a scheduler runs, or was killed some seconds ago. Raises ``redis.RedisError``."""
    found = connection().scan_iter(f"{SCHEDULERS}*", count=1000)
    return any(not connection().hexists(key, "death") for key in found)


def forget_stuck(run_id: int, attempt: int) -> None:
    """Drop the job of an attempt that was taken from the queue and never begun, so it can be put again."""
    connection().delete(SafeJob.key_for(f"run-{run_id}-{attempt}"))


@dataclass(frozen=True)
class State:
    """How many jobs wait and have failed. Who works on what is in the database: what Redis notes outlives a worker."""

    waiting: int
    failed: int


def state() -> State | None:
    """What is in the queue; ``None`` when Redis does not answer. Nothing is tidied by looking."""
    try:
        with connection().pipeline(transaction=False) as asked:
            for one in map(queue, QUEUES):
                asked.llen(one.key)
                asked.zcard(one.failed_job_registry.key)
            numbers = asked.execute()
    except redis.RedisError:
        log.warning("the queue is not reachable")
        return None
    return State(*(sum(numbers[place::2]) for place in range(2)))


def depth() -> int | None:
    """How many jobs wait; ``None`` when Redis does not answer."""
    found = state()
    return None if found is None else found.waiting
