"""What a job may be: JSON that calls one of our functions with IDs, and nothing beside.

Whoever can write to Redis must neither run code nor stop a process, so nothing that a worker or the scheduler
reads there is believed. A job that is not exactly one of ours is removed, said once in the log, and treated as
if it had never been there.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer

from webapp.platforms.registry import PLATFORMS

log = logging.getLogger(__name__)

TICK = "webapp.jobs.tick"
RUN = "webapp.jobs.run"
ANSWER = "webapp.jobs.answer"
DELIVER_MAIL = "webapp.jobs.deliver_mail"
DELIVER_WEBHOOKS = "webapp.jobs.deliver_webhooks"
FIND_DOUBLES = "webapp.jobs.find_doubles"

TICK_ID = "tick-due-syncs"

CONTROL, CHORES = "control", "chores"
SYNC = {platform: f"sync-{platform}" for platform in PLATFORMS}  # what reads a platform waits apart
QUEUES = (CONTROL, CHORES, *SYNC.values())


@dataclass(frozen=True)
class Kind:
    """How many IDs a function takes, and its longest time in seconds."""

    ids: int
    timeout: int


KINDS = {
    TICK: Kind(ids=0, timeout=120),
    RUN: Kind(ids=2, timeout=3600),
    ANSWER: Kind(ids=2, timeout=840),
    DELIVER_MAIL: Kind(ids=0, timeout=600),
    DELIVER_WEBHOOKS: Kind(ids=0, timeout=600),
    FIND_DOUBLES: Kind(ids=0, timeout=600),
}

# Of all that RQ may store with a job: callbacks, webhooks, dependencies, retries and limits are not among it.
_FIELDS = (
    "data", "origin", "status", "meta", "created_at", "enqueued_at", "started_at", "ended_at", "last_heartbeat",
    "worker_name",
)  # fmt: skip
_MOST = 4096  # bytes of one field; ours have a few dozen
_LARGEST = 2**63 - 1
_LONGEST_INTERVAL = 3600  # seconds


class _NotOurs(Exception):
    """Why an entry is refused."""


class SafeJob(Job):
    """A job as we put it, whatever Redis says of it."""

    def __init__(self, id: str | None = None, connection: Any = None, serializer: Any = None) -> None:
        super().__init__(id, connection, serializer=JSONSerializer)  # rq-scheduler never passes one

    @classmethod
    def fetch(cls, id: str, connection: Any = None, serializer: Any = None) -> SafeJob:  # noqa: ARG003 - RQ gives it
        """The job called ``id``. Raises ``NoSuchJobError`` when there is none, or none of ours."""
        try:
            job = cls(id, connection=connection)
        except (ValueError, TypeError) as error:
            log.warning("a job whose name is none of ours was left out: %.80r", id)
            raise NoSuchJobError("no such job") from error
        job.refresh()
        return job

    @classmethod
    def fetch_many(cls, job_ids: Iterable[str], connection: Any, serializer: Any = None) -> list[Job | None]:  # noqa: ARG003
        """The jobs called ``job_ids``; ``None`` for what :meth:`fetch` refuses."""
        found: list[Job | None] = []
        for job_id in job_ids:
            try:
                found.append(cls.fetch(job_id, connection))
            except NoSuchJobError:
                found.append(None)
        return found

    def refresh(self) -> None:
        """Read the job from Redis, and remove it when it is none of ours. Raises ``NoSuchJobError``."""
        try:
            self.restore(self._read())
        except (_NotOurs, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            reason = str(error) if isinstance(error, _NotOurs) else type(error).__name__
            log.warning("the job %.80r was none of ours (%s); it is removed", self.id, reason)
            self.connection.delete(self.key, self.dependents_key, self.dependencies_key)
            raise NoSuchJobError(f"no such job: {self.key}") from error

    def _read(self) -> dict[bytes, bytes]:
        """Its fields, once they are known to be small."""
        with self.connection.pipeline(transaction=False) as asked:
            asked.type(self.key)
            for field in _FIELDS:
                asked.hstrlen(self.key, field)
            kind, *sizes = asked.execute(raise_on_error=False)
        if kind == b"none":
            raise NoSuchJobError(f"no such job: {self.key}")
        if kind != b"hash":
            raise _NotOurs("it is no job at all")
        if max(sizes) > _MOST:
            raise _NotOurs("it is far too large")
        values: list[Any] = self.connection.hmget(self.key, _FIELDS)
        return {
            name.encode(): value for name, value in zip(_FIELDS, values, strict=True) if value is not None
        }

    def restore(self, raw_data: Any) -> None:
        """Take over what a job of ours has. Raises ``_NotOurs`` for any other."""
        known = {name: value for name, value in raw_data.items() if name.decode() in _FIELDS}
        if not known:
            raise NoSuchJobError(f"no such job: {self.key}")
        if b"data" not in known:
            raise _NotOurs("it calls nothing")
        super().restore(known)
        name = _judged(self.data)
        if self.origin not in QUEUES:
            raise _NotOurs("its queue is none of ours")
        self.description = self.id
        self.timeout, self.result_ttl, self.failure_ttl, self.meta = KINDS[name].timeout, 0, 0, {}
        if self.id == TICK_ID:  # one that expired would take its own schedule with it
            self.result_ttl, self.failure_ttl, self.meta = -1, None, _repeating(self.meta)

    @property
    def func(self) -> Any:
        """The function to call. Raises ``PermissionError`` for one that is not listed."""
        if self.func_name not in KINDS or self.instance is not None:
            raise PermissionError("this job is not one of ours")
        return super().func


class SafeQueue(Queue):
    """A queue of such jobs. One that is lost between queue and worker is put again by the tick."""

    @classmethod
    def lmove(cls, connection: Any, queue_key: str, timeout: int | None) -> Any:
        """Take a job and note it nowhere else: a second list would be one more place to plant something in."""
        return cls.lpop([queue_key], timeout, connection=connection)


def _judged(data: bytes) -> str:
    """The function that a job's ``data`` calls: one of :data:`KINDS`, with as many IDs as it takes."""
    if len(data) > _MOST:  # it was packed
        raise _NotOurs("it is far too large")
    name, instance, ids, named = json.loads(data)
    if not isinstance(name, str) or name not in KINDS or instance is not None or named != {}:
        raise _NotOurs("what it calls is not listed")
    if not isinstance(ids, list) or len(ids) != KINDS[name].ids:
        raise _NotOurs("what it carries is not what its function takes")
    if not all(type(one) is int and 0 < one <= _LARGEST for one in ids):
        raise _NotOurs("what it carries are no IDs")
    return name


def _repeating(meta: Any) -> dict[str, int]:
    """The interval of the tick, which is all that we keep with it."""
    interval = meta.get("interval") if isinstance(meta, dict) else None
    if type(interval) is not int or not 0 < interval <= _LONGEST_INTERVAL:
        return {}
    return {"interval": interval}
