"""What is looked at before anything is started. Each finding is a :class:`LaunchError` of one line."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from io import FileIO
from pathlib import Path
from urllib.parse import urlsplit

from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from launch.errors import LaunchError
from launch.terminal import say
from settings_rules import private_data
from settings_rules.running import LOCK

REDIS_TRIES = 2  # more after the first
LOCK_PATIENCE = 6.0  # seconds; a killed launcher's guard may still be clearing up


def prepare_data_dir(path: Path) -> None:
    """Make ``path`` and its folder for logs, and see that it is ours, may be written and is not full."""
    try:
        private_data.refuse_folder_of_another(path)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        (path / "log").mkdir(mode=0o700, exist_ok=True)
        probe = path / "log" / ".writable"
        probe.write_bytes(b"x")
        probe.unlink()
    except private_data.NotOurs as error:
        raise LaunchError(str(error)) from error
    except OSError as error:
        raise cannot_be_written(path, error) from error


def cannot_be_written(path: Path, error: OSError) -> LaunchError:
    """What to say when a file in the folder ``path`` cannot be made: no permission, or a full disk."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return LaunchError(
        f"DATA_DIR {path} cannot be written ({error.strerror}). {'Free some space' if full else 'Make it writable'} "
        "or choose another: make run DATA_DIR=/path/of/yours"
    )


def lock_data_dir(path: Path) -> FileIO:
    """Hold ``path`` for this launcher alone, as long as the returned file is open."""
    lock = FileIO(path / LOCK, "a+")
    started = time.monotonic()
    waiting = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > started + LOCK_PATIENCE or _holder_lives(lock):
                raise LaunchError(
                    f"another make run uses DATA_DIR {path}. Stop it first, or choose another: "
                    "make run DATA_DIR=/path/of/yours PORT=9000"
                ) from error
            if not waiting:
                say("Waiting for what a killed make run has left to end ...")
                waiting = True
            time.sleep(0.1)
        else:
            break
    try:
        lock.truncate(0)
        lock.write(str(os.getpid()).encode())
    except OSError as error:
        raise cannot_be_written(path, error) from error
    return lock


def _holder_lives(lock: FileIO) -> bool:
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
        with Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2, retry=retry) as client:
            client.ping()
    except (RedisError, ValueError) as error:
        parts = urlsplit(url)
        shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        reason = str(error).rstrip(".")
        raise LaunchError(
            f"REDIS_URL {shown} does not answer ({reason}). Start that Redis, correct the address, or unset "
            "REDIS_URL to use the built-in one."
        ) from error
