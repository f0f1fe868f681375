"""A ``make run`` that lives: the note it leaves in its DATA_DIR, by which commands beside it find the same."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NOTE = "running.json"
LOCK = "launch.lock"  # held by the launcher as long as it lives, so a note that was left behind says nothing


def note_of(data_dir: Path) -> dict[str, Any]:
    """What the ``make run`` that uses ``data_dir`` has written down; empty when none lives."""
    try:
        found = json.loads((data_dir / NOTE).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and _is_held(data_dir / LOCK) else {}


def is_beside(environ: Mapping[str, str], note: Mapping[str, Any]) -> bool:
    """Whether a command with ``environ`` means that ``make run``: nothing in it names another database or queue."""
    return note.get("mode") == "demo" and all(
        not environ.get(name) or environ[name] == note.get(name.lower())
        for name in ("DATABASE_URL", "REDIS_URL")
    )


def has_ended(environ: Mapping[str, str], data_dir: Path) -> bool:
    """Whether a ``make run`` has used ``data_dir`` and none does now, and ``environ`` names no other database."""
    lock = data_dir / LOCK
    return (
        lock.exists()
        and not _is_held(lock)
        and not any(environ.get(name) for name in ("DATABASE_URL", "REDIS_URL"))
    )


def _is_held(lock: Path) -> bool:
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False
