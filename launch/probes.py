"""Is it up? Each probe asks once and answers quickly; not being able to ask is a no."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

Probe = Callable[[int], Awaitable[bool]]
PATIENCE = 5.0  # seconds one question may take


def quietly(ask: Probe) -> Probe:
    """``ask``, with "no" where it cannot be asked."""

    async def asked(pid: int) -> bool:
        try:
            return await ask(pid)
        except (OSError, RedisError):  # TimeoutError is an OSError
            return False

    return asked


def connect(url: str) -> Any:
    """A client of the Redis at ``url``; untyped because its methods are typed for two kinds of client at once."""
    return Redis.from_url(url, decode_responses=True)


def http_ok(port: int, path: str = "/healthz") -> Probe:
    """Whether 127.0.0.1:``port`` answers a GET of ``path`` with 200."""
    question = f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()

    async def ask(_pid: int) -> bool:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(question)
                status = await reader.readline()
            finally:
                writer.close()
        return status.split(b" ")[1:2] == [b"200"]

    return quietly(ask)


def redis_answers(url: str) -> Probe:
    """Whether the Redis at ``url`` answers a PING."""

    async def ask(_pid: int) -> bool:
        async with asyncio.timeout(PATIENCE), connect(url) as client:
            return bool(await client.ping())

    return quietly(ask)


def workers_registered(url: str, names: Collection[str]) -> Probe:
    """Whether the workers ``names`` of the process asked about have told RQ that they are there.

    A worker is listed as ``rq:worker:<name>-<id of its process's parent>-<chance>``.
    """

    async def ask(pid: int) -> bool:
        async with asyncio.timeout(PATIENCE), connect(url) as client:
            listed = await client.smembers("rq:workers")
        there = {key.rpartition("-")[0].removeprefix("rq:worker:") for key in listed}
        return all(f"{name}-{pid}" in there for name in names)

    return quietly(ask)


def scheduler_registered(url: str) -> Probe:
    """Whether a scheduler that has not said goodbye is registered (the keys ``rq:scheduler_instance:<name>``)."""

    async def ask(_pid: int) -> bool:
        async with asyncio.timeout(PATIENCE), connect(url) as client:
            async for key in client.scan_iter("rq:scheduler_instance:*"):
                if not await client.hexists(key, "death"):
                    return True
        return False

    return quietly(ask)
