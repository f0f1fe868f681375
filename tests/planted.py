"""What somebody with access to Redis could put where the product's queue is."""

from __future__ import annotations

import json
import pickle
import zlib
from collections.abc import Callable

import redis

from webapp.queue.jobs import CONTROL, QUEUES, RUN, SYNC, TICK, TICK_ID

Plant = Callable[[redis.Redis], object]

INTERCOM = SYNC["intercom"]
SCHEDULE = "rq:scheduler:scheduled_jobs"


def job(
    connection: redis.Redis, job_id: str | bytes, data: bytes, queue: str = INTERCOM, **fields: str | bytes
) -> None:
    """A job in a queue and, as it says so itself, in no other."""
    name = job_id if isinstance(job_id, bytes) else job_id.encode()
    values: dict[str, str | bytes] = {"data": data, "origin": queue, "status": "queued"}
    connection.hset(b"rq:job:" + name, mapping=values | fields)  # type: ignore[arg-type]
    connection.rpush(f"rq:queue:{queue}", name)


def calling(function: str, *ids: object, **named: object) -> bytes:
    return json.dumps([function, None, list(ids), named]).encode()


def _deep() -> bytes:
    return b'["webapp.jobs.tick", null, [' + b"[" * 1500 + b"]" * 1500 + b"], {}]"


def _dependents(connection: redis.Redis) -> None:
    job(connection, "parent", calling(TICK), CONTROL, dependency_ids='["nowhere"]')
    connection.sadd("rq:job:parent:dependents", "nowhere", b"\xff\xfe")


def _registries(connection: redis.Redis) -> None:
    for name in QUEUES:
        for kind in ("wip", "failed", "finished", "deferred", "scheduled", "ready", "canceled"):
            connection.zadd(f"rq:{kind}:{name}", {"gone:gone": 1, "no-colon": 1, b"\xff\xfe": 1, "": 1})


def _wrong_types(connection: redis.Redis) -> None:
    for name in QUEUES:
        for kind in ("queue", "wip", "failed", "finished", "workers"):
            connection.set(f"rq:{kind}:{name}", "a string")
        connection.set(f"rq:queue:{name}:intermediate", "a string")
    connection.set("rq:workers", "a string")
    connection.set("rq:queues", "a string")


def _everybodys_keys(connection: redis.Redis) -> None:
    """The workers' own, which can be read in Redis."""
    for key in list(connection.scan_iter("rq:worker:*")):
        connection.delete(key)
        connection.set(key, "a string")


def _tick_s_keys(connection: redis.Redis) -> None:
    for key in (
        f"rq:job:{TICK_ID}",
        f"rq:job:{TICK_ID}:dependents",
        f"rq:executions:{TICK_ID}",
        f"rq:results:{TICK_ID}",
    ):
        connection.delete(key)
        connection.set(key, "a string")


IN_A_QUEUE: dict[str, Plant] = {
    "garbage": lambda to: job(to, "planted", b"\x80\x01garbage\xff"),
    "nothing": lambda to: job(to, "planted", b""),
    "a pickle": lambda to: job(to, "planted", pickle.dumps(("webapp.jobs.tick", None, (), {}))),
    "a function that is not listed": lambda to: job(to, "planted", calling("os.getpid")),
    "IDs that are none": lambda to: job(to, "planted", calling(RUN, "1 OR 1=1", -1)),
    "too few IDs": lambda to: job(to, "planted", calling(RUN)),
    "named arguments": lambda to: job(to, "planted", calling(TICK, ids=1)),
    "deep JSON": lambda to: job(to, "planted", zlib.compress(_deep())),
    "JSON of another shape": lambda to: job(to, "planted", b'{"a": 1}'),
    "a bomb": lambda to: job(to, "planted", zlib.compress(b" " * 4_000_000)),
    "a huge payload": lambda to: job(to, "planted", b"x" * 8_000_000),
    "a huge name of the queue": lambda to: job(to, "planted", calling(RUN, 1, 1), origin="x" * 100_000),
    "a time that is none": lambda to: job(to, "planted", calling(RUN, 1, 1), created_at="yesterday"),
    "a state that is none": lambda to: job(to, "planted", calling(RUN, 1, 1), status="on holiday"),
    "limits that are none": lambda to: job(
        to, "planted", calling(RUN, 999, 1), timeout="soon", result_ttl="x", failure_ttl="y", ttl="z",
        retries_left="all", repeats_left="9", enqueue_at_front="no", rate_limit_key="a", rate_limit_concurrency="b",
    ),
    "wrong meta": lambda to: job(to, "planted", calling(TICK), CONTROL, meta=b"\xff\xfe{"),
    "meta that names a class": lambda to: job(
        to, "planted", calling(TICK), CONTROL, meta=b'{"queue_class_name": "os.getpid", "interval": "x"}'
    ),
    "another queue": lambda to: job(to, "planted", calling(RUN, 1, 1), origin="nowhere"),
    "dependents": _dependents,
    "callbacks and webhooks": lambda to: job(
        to, "planted", calling(TICK), CONTROL, success_callback_name="os.abort", failure_callback_name="os.abort",
        stopped_callback_name="os.abort", webhooks='[{"url": "http://127.0.0.1:9/"}]',
    ),
    "a name that is no text": lambda to: job(to, b"\xff\xfe", calling(TICK)),
    "a name that is no name": lambda to: job(to, "a:b c", calling(TICK)),
    "a job without its contents": lambda to: to.rpush(f"rq:queue:{INTERCOM}", "nowhere"),
    "a string where a job is": lambda to: (to.set("rq:job:planted", "x"), to.rpush(f"rq:queue:{INTERCOM}", "planted")),
    "executions of another type": lambda to: (
        job(to, "planted", calling(TICK), CONTROL), to.set("rq:executions:planted", "x"),
        to.set("rq:job:planted:dependents", "x"), to.set("rq:results:planted", "x"),
    ),
    "registries": _registries,
    "every key a string": _wrong_types,
    "the workers' own keys": _everybodys_keys,
    "the tick's keys": _tick_s_keys,
    "a pause": lambda to: to.set("rq:suspended", 1),
    "orders": lambda to: [
        to.publish(key.replace(b"rq:worker:", b"rq:pubsub:").decode(), order)
        for key in list(to.scan_iter("rq:worker:*"))
        for order in ('{"command": "shutdown"}', '{"command": "kill-horse"}', "\xff")
    ],
    "groups and limits": lambda to: (to.sadd("rq:groups", b"\xff"), to.sadd("rq:rl-keys", b"\xff")),
    "a lock of the tidying": lambda to: [to.set(f"rq:clean_registries:{name}", 1) for name in QUEUES],
}  # fmt: skip


def _scheduled(job_id: str | bytes, data: bytes, **fields: str | bytes) -> Plant:
    def plant(connection: redis.Redis) -> None:
        job(connection, job_id, data, **fields)  # type: ignore[arg-type]
        connection.lpop(f"rq:queue:{INTERCOM}")
        connection.zadd(SCHEDULE, {job_id: 0})

    return plant


IN_THE_SCHEDULE: dict[str, Plant] = {
    "garbage": _scheduled("planted", b"\x80garbage"),
    "garbage in the tick": _scheduled(TICK_ID, b"\x80garbage"),
    "a pickle in the tick": _scheduled(TICK_ID, pickle.dumps(("webapp.jobs.tick", None, (), {}))),
    "a function that is not listed": _scheduled("planted", calling("os.getpid"), meta=b'{"interval": 1}'),
    "another function in the tick": _scheduled(TICK_ID, calling("os.getpid")),
    "wrong meta": _scheduled(TICK_ID, calling(TICK), meta=b"\xff"),
    "meta that names a class": _scheduled(TICK_ID, calling(TICK), meta=b'{"queue_class_name": "os.getpid"}'),
    "a name that is no text": _scheduled(b"\xff\xfe", calling(TICK)),
    "a name that is no name": _scheduled("a:b", calling(TICK)),
    "a job without its contents": lambda to: to.zadd(SCHEDULE, {"nowhere": 0}),
    "very many": lambda to: to.zadd(SCHEDULE, {f"n{number}": 0 for number in range(20_000)}),
    "a tick that is never due": lambda to: to.zadd(SCHEDULE, {TICK_ID: float("inf")}),
    "a tick before all time": lambda to: to.zadd(SCHEDULE, {TICK_ID: -1}),
    "a string where the schedule is": lambda to: (to.delete(SCHEDULE), to.set(SCHEDULE, "x")),
    "a string where the tick is": lambda to: (
        to.delete(f"rq:job:{TICK_ID}"), to.set(f"rq:job:{TICK_ID}", "x"), to.zadd(SCHEDULE, {TICK_ID: 0}),
    ),
    "a string where the tick's queue is": lambda to: (
        to.delete(f"rq:queue:{CONTROL}"), to.set(f"rq:queue:{CONTROL}", "x"),
    ),
    "a lock for ever": lambda to: to.set("rq:scheduler_lock", "x"),
    "a lock for a day": lambda to: to.set("rq:scheduler_lock", "x", ex=86_400),
    "a lock of another type": lambda to: (to.delete("rq:scheduler_lock"), to.rpush("rq:scheduler_lock", "x")),
}  # fmt: skip
