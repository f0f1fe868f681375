"""The queue: Redis wakes workers, the database says what there is to do.

Jobs are JSON, name one of the functions listed here and carry ids only. Anything else found in Redis is
refused by the worker: whoever can write to Redis must not be able to run code.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis
import rq
from flask import Flask, current_app
from rq.exceptions import DuplicateJobError
from rq.job import Job
from rq.serializers import JSONSerializer

from config import Settings

log = logging.getLogger(__name__)

TICK = "webapp.jobs.tick"
RUN = "webapp.jobs.run"
ANSWER = "webapp.jobs.answer"
DELIVER_MAIL = "webapp.jobs.deliver_mail"
DELIVER_WEBHOOKS = "webapp.jobs.deliver_webhooks"
FIND_DOUBLES = "webapp.jobs.find_doubles"
ALLOWED = frozenset({TICK, RUN, ANSWER, DELIVER_MAIL, DELIVER_WEBHOOKS, FIND_DOUBLES})
CONTROL, SYNC = "control", "sync"  # worked in this order
RUN_TIMEOUT = 3600  # seconds
ANSWER_TIMEOUT = 840  # seconds
DELIVERY_TIMEOUT = 600  # seconds


class SafeJob(Job):
    """A job that is JSON, calls a listed function, and has no callbacks."""

    def __init__(self, id: str | None = None, connection: Any = None, serializer: Any = None) -> None:
        super().__init__(id, connection, serializer=JSONSerializer)  # rq-scheduler never passes one

    @property
    def func(self) -> Any:
        """The function to call. Raises ``PermissionError`` for one that is not listed."""
        if self.func_name not in ALLOWED or self.instance is not None:
            raise PermissionError("this job is not one of ours")
        return super().func

    def restore(self, raw_data: Any) -> None:
        """Read the job from Redis; callbacks are import paths as well, so none is kept."""
        super().restore(raw_data)
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None


def init_app(app: Flask, settings: Settings) -> None:
    app.extensions["redis"] = redis.Redis.from_url(
        settings.redis_url, socket_connect_timeout=2, socket_timeout=10, health_check_interval=30
    )


def connection() -> redis.Redis:
    """This process's connection pool to Redis."""
    found: redis.Redis = current_app.extensions["redis"]
    return found


def queue(name: str) -> rq.Queue:
    """The queue ``name``, with our jobs and JSON."""
    return rq.Queue(name, connection=connection(), serializer=JSONSerializer, job_class=SafeJob)


def wake(runs: Iterable[tuple[int, int]], *, at_front: bool = False) -> int:
    """Put ``(run, attempt)`` pairs into the queue that are not in it; how many were put.

    The same attempt is put once: its job's id says so. Raises ``redis.RedisError``; the runs stay queued in
    the database and the next tick tries again.
    """
    target = queue(SYNC)
    present = set(target.get_job_ids())
    put = 0
    for run_id, attempt in runs:
        job_id = f"run-{run_id}-{attempt}"
        if job_id in present:
            continue
        put += _put(target, job_id, RUN, run_id, attempt, timeout=RUN_TIMEOUT, at_front=at_front)
    return put


def wake_soon(run_id: int, attempt: int) -> bool:
    """Wake a worker for a run just committed, before all that the schedule made: somebody is looking at it.

    ``False`` when Redis is away and the next tick has to.
    """
    try:
        wake([(run_id, attempt)], at_front=True)
    except redis.RedisError:
        log.exception("the queue is not reachable; the next tick wakes a worker for run %s", run_id)
        return False
    return True


def wake_answer(question_id: int, attempt: int = 1) -> bool:
    """Wake a worker for a question just committed; ``False`` when Redis is away and the next tick has to.

    Somebody waits for the answer, so it goes before runs.
    """
    try:
        job_id = f"question-{question_id}-{attempt}"
        _put(queue(CONTROL), job_id, ANSWER, question_id, attempt, timeout=ANSWER_TIMEOUT)
    except redis.RedisError:
        log.exception("the queue is not reachable; the next tick wakes a worker for question %s", question_id)
        return False
    return True


def wake_chore(function: str, now: datetime) -> None:
    """Have a worker do what waits (mails, doubles), once a minute at most. Raises ``redis.RedisError``."""
    job_id = f"{function.rpartition('.')[2]}-{int(now.timestamp()) // 60}"
    _put(queue(CONTROL), job_id, function, timeout=DELIVERY_TIMEOUT)


def _put(
    target: rq.Queue, job_id: str, function: str, *ids: int, timeout: int, at_front: bool = False
) -> bool:
    """Put a job into ``target`` unless there is one with its id. Raises ``redis.RedisError``."""
    try:
        target.enqueue(
            function,
            *ids,
            job_id=job_id,
            unique=True,
            result_ttl=0,
            failure_ttl=0,
            job_timeout=timeout,
            description=job_id,
            at_front=at_front,
        )
    except DuplicateJobError:
        log.debug("%s is being started already", job_id)
        return False
    return True


def workers() -> int:
    """How many workers there are. Raises ``redis.RedisError``."""
    return rq.Worker.count(connection=connection())


def control_waits() -> bool:
    """Whether the tick or a delivery waits for a worker. Raises ``redis.RedisError``."""
    return bool(connection().llen(queue(CONTROL).key))


def forget_stuck(run_id: int, attempt: int) -> None:
    """Drop the job of an attempt that was taken from the queue and never begun, so it can be put again."""
    connection().delete(SafeJob.key_for(f"run-{run_id}-{attempt}"))


@dataclass(frozen=True)
class State:
    """How many jobs wait, are being worked and have failed."""

    waiting: int
    running: int
    failed: int


def state() -> State | None:
    """What is in the queue; ``None`` when Redis does not answer. Nothing is tidied by looking."""
    queues = [queue(CONTROL), queue(SYNC)]
    try:
        with connection().pipeline(transaction=False) as asked:
            for one in queues:
                asked.llen(one.key)
                asked.zcard(one.started_job_registry.key)
                asked.zcard(one.failed_job_registry.key)
            numbers = asked.execute()
    except redis.RedisError:
        log.warning("the queue is not reachable")
        return None
    return State(*(sum(numbers[place::3]) for place in range(3)))


def depth() -> int | None:
    """How many jobs wait; ``None`` when Redis does not answer."""
    found = state()
    return None if found is None else found.waiting
