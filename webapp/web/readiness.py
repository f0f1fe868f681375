"""Whether somebody could be served now: the database and the queue each take a write, of which nothing stays.

Anybody may ask, so that the answer is kept for a moment, and each question has connections of its own with short
limits: it neither waits for those that requests use nor holds one up.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable

import redis
import sqlalchemy as sa
from flask import Flask
from redis.backoff import NoBackoff
from redis.retry import Retry

from config import Settings
from webapp.core.database import brief_engine, writing
from webapp.core.models import Heartbeat, table_of, utcnow

log = logging.getLogger(__name__)

KEPT = 2.0  # seconds an answer is given again
PATIENCE = 2  # seconds for each step of a question


class Readiness:
    """The parts that this process cannot do without. One question is asked at a time."""

    def __init__(self, settings: Settings) -> None:
        self._engine = brief_engine(settings.database_url, PATIENCE)
        self._redis = redis.Redis.from_url(
            settings.redis_url,
            socket_connect_timeout=PATIENCE,
            socket_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 0),
        )
        self._lock = threading.Lock()
        self._answer: dict[str, bool] = {}
        self._until = 0.0

    def parts(self) -> dict[str, bool]:
        """Which part works."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._answer = {
                    "database": _works("database", self._write_a_row),
                    "queue": _works("queue", self._write_a_key),
                }
                self._until = time.monotonic() + KEPT
            return self._answer

    def _write_a_row(self) -> None:
        """In one transaction that is committed, as only that needs a disk."""
        heartbeats, name = table_of(Heartbeat), f"ready {secrets.token_hex(8)}"
        with writing(), self._engine.begin() as connection:
            connection.execute(sa.insert(heartbeats).values(name=name, seen_at=utcnow()))
            connection.execute(sa.delete(heartbeats).where(heartbeats.c.name == name))

    def _write_a_key(self) -> None:
        key = f"rollcall:ready:{secrets.token_hex(8)}"
        with self._redis.pipeline(transaction=True) as both:
            both.set(key, b"1", ex=1)
            both.delete(key)
            both.execute()


def init_app(app: Flask, settings: Settings) -> None:
    app.extensions["readiness"] = Readiness(settings)


def _works(part: str, write: Callable[[], None]) -> bool:
    try:
        write()
    except (sa.exc.SQLAlchemyError, redis.RedisError, OSError):
        log.exception("not ready: the %s takes no write", part)
        return False
    return True
