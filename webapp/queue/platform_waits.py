"""What a run waits for while it reads a platform, for the pages that show the run.

Kept in Redis for some minutes and nowhere else: it is only ever looked at while the run lasts, and nothing depends
on it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import msgspec
import redis

from webapp.core.models import SyncRun
from webapp.platforms.base import Asking
from webapp.queue import wake

log = logging.getLogger(__name__)

KEPT = 300  # seconds; longer than any platform is waited for
SILENT = 5.0  # seconds in which an answer is no news


class _Note(msgspec.Struct):
    page: int
    at: float  # Unix seconds
    pause: float | None = None


def noting(integration_id: int) -> Callable[[Asking], None]:
    """What a connector of the integration is to tell of its calls."""

    def note(asking: Asking) -> None:
        value = msgspec.json.encode(_Note(asking.page, time.time(), asking.pause))
        try:
            wake.connection().set(_key(integration_id), value, ex=KEPT)
        except redis.RedisError:
            log.debug("what is waited for could not be noted")

    return note


def waits_of(run: SyncRun, label: str, now: float) -> str | None:
    """What ``run`` waits for, as :func:`waits_for` says it; ``None`` for one that does not read its platform now."""
    if run.state != "running" or run.undoes_id is not None or run.stage not in ("connect", "fetch"):
        return None
    return waits_for(run.integration_id, label, now)


def waits_for(integration_id: int, label: str, now: float) -> str | None:
    """What a run of the integration waits for, in a sentence that names the platform as ``label``.

    ``now`` is Unix seconds. ``None`` when it does not wait, or that is not known.
    """
    note = _noted(integration_id)
    if note is None:
        return None
    page = f" (page {note.page})" if note.page > 1 else ""
    seconds = max(0.0, now - note.at)
    if note.pause is not None:
        return f"Waiting for {label}{page}. Trying again in {max(0.0, note.pause - seconds):.0f} s."
    if seconds < SILENT:
        return None
    return f"Waiting for {label}{page}. No answer for {seconds:.0f} s."


def _noted(integration_id: int) -> _Note | None:
    try:
        value = wake.connection().get(_key(integration_id))
        return msgspec.json.decode(value, type=_Note) if isinstance(value, bytes) else None
    except (redis.RedisError, msgspec.DecodeError):
        return None


def _key(integration_id: int) -> str:
    return f"rollcall:waits:{integration_id}"
