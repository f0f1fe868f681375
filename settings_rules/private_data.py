"""Keeps what Rollcall stores on this machine to the person it runs as: the files in DATA_DIR and a SQLite database.

New files are made private by :data:`UMASK`; what an earlier version, a copy or another umask has left open is closed at
every start, of the launcher, the web, a worker, the scheduler and every ``flask`` command.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

UMASK = 0o077
OTHERS = 0o077  # the bits that let anybody else in

# What Rollcall itself puts into DATA_DIR, what matters most first; somebody's own files beside it are theirs.
OURS = (
    "rollcall*",
    "secret_key",
    "credential_keys",
    "running.json",
    "launch.lock",
    "log",
    "redis",
    "sandbox",
    "backup*",
)
BESIDE_A_DATABASE = ("", "-wal", "-shm", "-journal")  # sqlite.org, "Temporary Files Used By SQLite"
NAMED = 3  # files that are named; the others are counted


class NotOurs(Exception):
    """A folder or file belongs to somebody else; the text says whose and what to do."""


def database_files(url: str) -> list[Path]:
    """The files of the SQLite database at ``url``; none for another database, or one in memory."""
    if not url.startswith("sqlite:///") or url.startswith("sqlite:///:"):
        return []
    path = url.removeprefix("sqlite:///").partition("?")[0]
    return [Path(path + ending) for ending in BESIDE_A_DATABASE] if path else []


def refuse_folder_of_another(data_dir: Path) -> None:
    """Raise :class:`NotOurs` when the folder is there and belongs to somebody else, even if we might write there."""
    try:
        owner = data_dir.stat().st_uid
    except OSError:
        return
    if owner != os.geteuid():
        raise NotOurs(
            f"DATA_DIR {data_dir} belongs to {_name(owner)}, and this runs as {_name(os.geteuid())}. Run it as "
            f"{_name(owner)}, or set DATA_DIR to a folder of yours."
        )


def close_to_others(data_dir: Path | None, files: list[Path]) -> list[Path]:
    """Take others' permissions from what Rollcall keeps in ``data_dir``, and from ``files``. What was open, in order.

    The folder itself is closed too, unless it holds something that is not Rollcall's. Raises :class:`NotOurs` when
    something that is open belongs to somebody else.
    """
    found = list(_kept_in(data_dir)) if data_dir is not None and data_dir.is_dir() else []
    return [path for path in dict.fromkeys([*found, *files]) if _close(path)]


def told(closed: list[Path]) -> str:
    """For people: which of ``closed`` others could read until now."""
    names = [str(path) for path in closed[:NAMED]]
    if len(closed) > NAMED:
        names.append(f"{len(closed) - NAMED} more")
    listed = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    return f"Others on this machine could look into {listed}; now only {_name(os.geteuid())} can"


def _kept_in(data_dir: Path) -> Iterator[Path]:
    """What is Rollcall's in there, without what is behind links: those lead to what somebody has laid elsewhere."""
    entries = sorted(data_dir.iterdir())
    ours = [entry for pattern in OURS for entry in entries if fnmatchcase(entry.name, pattern)]
    if len(ours) == len(entries):
        yield data_dir
    for entry in ours:
        below = os.walk(entry) if entry.is_dir() and not entry.is_symlink() else ()
        inside = [
            Path(folder) / name for folder, folders, files in below for name in sorted([*folders, *files])
        ]
        yield from (path for path in (entry, *inside) if not path.is_symlink())


def _close(path: Path) -> bool:
    """Whether it was open to others. What has gone meanwhile, and what is neither file nor folder, was not."""
    try:
        found = path.stat()
        mode = stat.S_IMODE(found.st_mode)
        if not mode & OTHERS or not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
            return False
        path.chmod(mode & ~OTHERS)
    except FileNotFoundError:
        return False
    except PermissionError as error:
        raise NotOurs(
            f"{path} belongs to {_name(path.stat().st_uid)}, and others can look into it. "
            f"Give it to {_name(os.geteuid())} (chown), or remove it."
        ) from error
    return True


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:  # known to another machine or container only
        return f"user {user}"
