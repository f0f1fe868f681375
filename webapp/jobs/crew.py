"""The worker process: it starts a few workers, starts again what ends, and says that they are there.

One worker has the tick alone, one the chores (mails, webhooks, doubles), the others read platforms. Each platform
is left out by one of those, so that a platform that hangs never holds the last of them. All are forked from a
process that has loaded everything, so that a further one costs little, and all end with it.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import secrets
import signal
import time
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import NoReturn

import redis
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from webapp.core import heartbeat
from webapp.core.database import close_connections, write_transaction
from webapp.core.models import utcnow
from webapp.jobs.worker import work
from webapp.queue.jobs import CHORES, CONTROL, SYNC

log = logging.getLogger(__name__)

BEAT_EVERY = timedelta(seconds=15).total_seconds()
LOOK_EVERY = 0.1  # seconds
FIRST_DELAY, LONGEST_DELAY = 0.25, 15.0  # seconds before one that ended is started again
STEADY = 30.0  # seconds of life after which the delay is short again
SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True)
class Place:
    """What one worker does: the queues that it works, in this order."""

    name: str
    queues: tuple[str, ...]


def places(runs: int) -> list[Place]:
    """The workers of a process that has ``runs`` runs in work at once."""
    reading = [
        Place(
            f"sync-{number}",
            tuple(
                queue for place, queue in enumerate(SYNC.values()) if runs == 1 or place % runs != number - 1
            ),
        )
        for number in range(1, runs + 1)
    ]
    return [Place("control", (CONTROL,)), Place("chores", (CHORES,)), *reading]


class Worker:
    """One of the places, and the process that fills it now."""

    def __init__(self, app: Flask, place: Place) -> None:
        self._app = app
        self.place = place
        self.pid = 0
        self._born = 0.0
        self._delay = FIRST_DELAY
        self._not_before = 0.0

    def is_due(self) -> bool:
        """Whether it is to be started: it does not live, nor did it end a moment ago."""
        return not self.lives() and monotonic() >= self._not_before

    def lives(self) -> bool:
        """Whether it runs; notes it when it has ended."""
        if not self.pid:
            return False
        ended, status = os.waitpid(self.pid, os.WNOHANG)
        if not ended:
            return True
        self.pid = 0
        now = monotonic()
        self._delay = FIRST_DELAY if now - self._born > STEADY else min(self._delay * 2, LONGEST_DELAY)
        self._not_before = now + self._delay
        code = os.waitstatus_to_exitcode(status)
        if code:
            log.warning("the worker %s ended (%s)", self.place.name, code)
        return False

    def send(self, number: int) -> None:
        """Send a signal to it, if it lives."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):  # it was noticed in this moment that it has ended
                os.kill(self.pid, number)

    def start(self) -> None:
        """Start it. Call with the signals blocked, so that none for the parent is lost in the child."""
        parent = os.getpid()
        close_connections(self._app)
        self._born = monotonic()
        self.pid = os.fork()
        if not self.pid:
            self._live(parent)

    def _live(self, parent: int) -> NoReturn:
        """In the child: work until told to end."""
        code = 1
        try:
            for number in SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            name = f"{self.place.name}-{parent}-{secrets.token_hex(6)}"
            work(self._app, name, self.place.queues, parent=parent)
            code = 0
        except (redis.ConnectionError, redis.TimeoutError) as error:
            log.warning("Redis is away (%s); the worker %s tries again", error, self.place.name)
            code = 0
        except SystemExit:
            code = 0
        except BaseException:
            log.exception("the worker %s failed", self.place.name)
        finally:
            os._exit(code)


class Crew:
    """All workers of this process."""

    def __init__(self, app: Flask, runs: int) -> None:
        self._app = app
        self._workers = [Worker(app, place) for place in places(runs)]
        self._told_to_end = False
        self._beaten: float | None = None

    def serve(self) -> None:
        """Keep them running until told to end (SIGTERM, SIGINT): each finishes its job; a second signal cuts it."""
        for number in SIGNALS:
            signal.signal(number, self._end)
        while not self._told_to_end:
            self._keep()
            self._beat()
            time.sleep(LOOK_EVERY)
        while [worker for worker in self._workers if worker.lives()]:  # each is looked at
            self._beat()
            time.sleep(LOOK_EVERY)

    def _keep(self) -> None:
        """Start those that are due, unless a signal came first."""
        for worker in self._workers:
            signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
            if not self._told_to_end and worker.is_due():
                worker.start()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def _end(self, _number: int, _frame: object) -> None:
        self._told_to_end = True
        for worker in self._workers:
            worker.send(signal.SIGTERM)

    def _beat(self) -> None:
        """Note, whatever the workers are busy with, that they are there."""
        if self._beaten is not None and monotonic() - self._beaten < BEAT_EVERY:
            return
        if not any(worker.pid for worker in self._workers):
            return
        self._beaten = monotonic()
        try:
            with self._app.app_context(), write_transaction() as session:
                heartbeat.beat(session, heartbeat.WORKER, utcnow())
        except SQLAlchemyError:
            log.exception("the worker could not note that it is alive")


def serve(app: Flask) -> None:
    """Work jobs until told to end. Call in the main thread of a process that does nothing else."""
    log.info("workers started")
    gc.collect()
    gc.freeze()  # what is loaded stays shared with the workers
    Crew(app, app.extensions["settings"].worker_runs).serve()
