"""What in Redis is left over or not ours is removed, so that it ends neither a worker nor the scheduler.

A key of another type than RQ expects ends whoever uses it; of a job whose worker died RQ's notes stay behind.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from itertools import islice
from typing import Any

import redis
from rq.utils import current_timestamp

from webapp.queue.jobs import QUEUES, TICK_ID, SafeJob

log = logging.getLogger(__name__)

MOST = 50_000  # keys looked at in one go

# What comes of entries in Redis that are not what RQ takes them for.
PLANTED = (redis.ResponseError, ValueError, TypeError, LookupError, AttributeError)

_TYPES = [
    (re.compile(pattern.encode()), kind)
    for pattern, kind in (
        (r"rq:(queues|workers|workers:.+)", b"set"),
        (r"rq:queue:.+", b"list"),
        (r"rq:(wip|finished|failed|executions):.+", b"zset"),
        (r"rq:scheduler:scheduled_jobs", b"zset"),
        (r"rq:worker:[^:]+:executions", b"set"),
        (r"rq:job:[^:]+:(dependents|dependencies)", b"set"),
        (r"rq:(worker|job|execution|scheduler_instance):.+", b"hash"),
        (r"rq:results:.+", b"stream"),
        (r"rq:scheduler_lock", b"string"),
    )
]
# Those that every pass uses.
_ALWAYS = [
    name.encode()
    for name in (
        "rq:queues", "rq:workers", "rq:scheduler:scheduled_jobs", "rq:scheduler_lock",
        *(f"rq:job:{TICK_ID}{part}" for part in ("", ":dependents", ":dependencies")),
        *(f"rq:{kind}:{TICK_ID}" for kind in ("executions", "results")),
        *(
            f"rq:{kind}:{queue}"
            for queue in QUEUES
            for kind in ("queue", "workers", "wip", "finished", "failed")
        ),
        *(f"rq:queue:{queue}:intermediate" for queue in QUEUES),
    )
]  # fmt: skip


def mend(connection: redis.Redis) -> int:
    """Remove those of the keys that every pass uses which are of another type; how many. Raises ``RedisError``."""
    return _remove(connection, _ALWAYS)


def mend_all(connection: redis.Redis) -> int:
    """The same for every key of the queue. Raises ``RedisError``."""
    keys = islice(connection.scan_iter("rq:*", count=1000), MOST)
    return _remove(connection, list(keys))


def tidy(connection: redis.Redis) -> None:
    """Mend, and forget the jobs and workers that died. Raises ``RedisError``."""
    mend(connection)
    now = current_timestamp()
    for queue in QUEUES:
        started = f"rq:wip:{queue}"
        abandoned: Any = connection.zrangebyscore(started, 0, now, start=0, num=1000)
        _forget(connection, abandoned)
        connection.zremrangebyscore(started, 0, now)
        connection.zremrangebyscore(f"rq:failed:{queue}", 0, now)
    _forget_workers(connection)


def _forget(connection: redis.Redis, entries: list[bytes]) -> None:
    """Remove the jobs named in ``entries`` (job:execution). The tick's stays, as its schedule is in it."""
    jobs = {entry.partition(b":")[0] for entry in entries} - {TICK_ID.encode()}
    for job in jobs:
        connection.delete(SafeJob.redis_job_namespace_prefix.encode() + job, b"rq:executions:" + job)


def _forget_workers(connection: redis.Redis) -> None:
    """Take those whose sign of life has run out from the lists of workers."""
    listed = list(connection.smembers("rq:workers"))
    with connection.pipeline(transaction=False) as asked:
        for key in listed:
            asked.exists(key)
        dead = [key for key, there in zip(listed, asked.execute(), strict=True) if not there]
    for name in ("rq:workers", *(f"rq:workers:{queue}" for queue in QUEUES)):
        if dead:
            connection.srem(name, *dead)


def _remove(connection: redis.Redis, keys: Iterable[bytes]) -> int:
    wanted = [(key, kind) for key in keys if (kind := _kind(key)) is not None]
    with connection.pipeline(transaction=False) as asked:
        for key, _ in wanted:
            asked.type(key)
        found = asked.execute()
    wrong = [key for (key, kind), is_now in zip(wanted, found, strict=True) if is_now not in (kind, b"none")]
    if wrong:
        connection.delete(*wrong)
        log.warning("%s keys of the queue were not ours and are removed: %.200r", len(wrong), wrong[:5])
    return len(wrong)


def _kind(key: bytes) -> bytes | None:
    return next((kind for pattern, kind in _TYPES if pattern.fullmatch(key)), None)
