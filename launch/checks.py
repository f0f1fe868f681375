"""What is looked at before anything is started. Each finding is a :class:`LaunchError` of one line."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from launch.errors import LaunchError
from settings_rules.running import LOCK

REDIS_TRIES = 3
LOCK_PATIENCE = 6.0  # seconds; a killed launcher's guard may still be clearing up


def prepare_data_dir(path: Path) -> None:
    """Make ``path`` and its folder for logs, and see that we may write there."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        (path / "log").mkdir(mode=0o700, exist_ok=True)
        probe = path / "log" / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise LaunchError(
            f"DATA_DIR {path} cannot be written ({error.strerror}). Make it writable or choose another: "
            "make run DATA_DIR=/path/of/yours"
        ) from error


def lock_data_dir(path: Path) -> IO[str]:
    """Hold ``path`` for this launcher alone, as long as the returned file is open."""
    lock = (path / LOCK).open("a+")
    end = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > end or _holder_lives(lock):
                raise LaunchError(
                    f"another make run uses DATA_DIR {path}. Stop it first, or choose another: "
                    "make run DATA_DIR=/path/of/yours PORT=9000"
                ) from error
            time.sleep(0.1)
        else:
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            return lock


def _holder_lives(lock: IO[str]) -> bool:
    """Whether the launcher that wrote its id into the lock still runs; if not, its guard holds the lock a little."""
    lock.seek(0)
    try:
        os.kill(int(lock.read()), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def check_port(port: int, offset: int, user: str) -> None:
    """See that 127.0.0.1:``port`` is free for ``user``, such as "the web"; ``offset``: how far it is from PORT."""
    what = f"port {port} (PORT + {offset}, for {user})" if offset else f"port {port}"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                reason = f"{what} is in use. Stop the program that uses it"
            else:
                reason = f"{what} cannot be used ({error.strerror}). Free it"
            raise LaunchError(f"{reason}, or choose another: make run PORT=9000") from error


def check_redis(url: str) -> None:
    """See that the Redis at ``url`` answers. Its password is not repeated in the error."""
    try:
        retry = Retry(ConstantBackoff(0.5), REDIS_TRIES)
        with Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3, retry=retry) as client:
            client.ping()
    except (RedisError, ValueError) as error:
        parts = urlsplit(url)
        shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        reason = str(error).rstrip(".")
        raise LaunchError(
            f"REDIS_URL {shown} does not answer ({reason}). Start that Redis, correct the address, or unset "
            "REDIS_URL to use the built-in one."
        ) from error
