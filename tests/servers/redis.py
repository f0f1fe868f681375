"""A real Redis on a private socket, one for each test process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from launch.redis_server import find_redis_server, private_folder, redis_command
from tests.servers.processes import running


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Start a Redis whose socket is in ``folder``; gives its address, ``unix:///…``."""
    private_folder(folder)
    socket = folder / "redis.sock"
    with running(
        redis_command(find_redis_server(), socket), folder / "redis.log", lambda: answers(f"unix://{socket}")
    ):
        yield f"unix://{socket}"


def answers(url: str) -> bool:
    with Redis.from_url(url) as client:
        try:
            return bool(client.ping())
        except RedisConnectionError:
            return False
