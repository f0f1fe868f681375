"""Keeps one service running: starts it, sees when it is up, starts it again when it dies, and stops it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from launch.children import Child, describe
from launch.errors import LaunchError
from launch.guard import Guard
from launch.terminal import Log, complain, say

FIRST_DELAY = 0.25  # seconds before a dead service is started again; doubled each time
LONGEST_DELAY = 15.0
STEADY = 30.0  # seconds of life after which the delay is short again
QUICK_DEATHS = 5  # so many in a row without ever having been up: it cannot be started
PROBE_EVERY = 0.05  # seconds
COLD = 2.0  # seconds between the second SIGTERM and SIGKILL


@dataclass(frozen=True)
class Service:
    """What is to be kept running, and how one sees that it is up (``ready`` is asked with its process id)."""

    name: str
    command: tuple[str, ...]
    ready: Callable[[int], Awaitable[bool]]
    patience: float = 10.0  # seconds between the first SIGTERM and the second
    environ: Mapping[str, str] = field(default_factory=dict)
    loud: bool = True  # whether its warnings go to the terminal


class Keeper:
    """One service and its present process."""

    def __init__(self, service: Service, log: Log, guard: Guard) -> None:
        self.service = service
        self._log = log
        self._guard = guard
        self._child: Child | None = None
        self._stopping = asyncio.Event()
        self.up = asyncio.Event()
        self._hurry = asyncio.Event()
        self.task = asyncio.create_task(self._keep(), name=service.name)

    async def stop(self) -> None:
        """SIGTERM; after the service's patience a second one; then SIGKILL for its whole session."""
        self._stopping.set()
        while self._child is None and not self.task.done():  # it is being started just now
            await asyncio.sleep(0.01)
        child = self._child
        if child is not None:
            child.send(signal.SIGTERM)
            if not await self._ends_within(self.service.patience):
                say(f"{self.service.name} has not stopped yet; stopping it hard")
                child.send(signal.SIGTERM)
                if not await self._ends_within(COLD):
                    child.kill()
        with contextlib.suppress(LaunchError):  # known already: it is why all is stopped
            await self.task
        self._log.close()

    def hurry(self) -> None:
        """Do not wait for the service's patience any longer."""
        self._hurry.set()

    async def _ends_within(self, seconds: float) -> bool:
        hurried = asyncio.create_task(self._hurry.wait())
        # Two signals in the same second would be taken for one by the worker.
        await asyncio.wait({self.task, hurried}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not self.task.done() and hurried.done():
            await asyncio.wait({self.task}, timeout=1.2)
        hurried.cancel()
        return self.task.done()

    async def _keep(self) -> None:
        delay, deaths, loop = FIRST_DELAY, 0, asyncio.get_running_loop()
        while True:
            born = loop.time()
            self._child = await Child.start(
                self.service.command, self.service.environ, self._log, self._guard
            )
            code = await self._live(self._child)
            self._child = None
            if self._stopping.is_set():
                return
            if not self.up.is_set():
                deaths += 1
                if deaths == QUICK_DEATHS:
                    raise self._hopeless(code)
            if loop.time() - born > STEADY:
                delay = FIRST_DELAY
            say(f"{self.service.name} ended ({describe(code)}); starting it again")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)
                return
            delay = min(delay * 2, LONGEST_DELAY)

    async def _live(self, child: Child) -> int:
        """From its start to its end."""
        probe = asyncio.create_task(self._see_it_up(child))
        try:
            return await child.wait()
        finally:
            probe.cancel()

    async def _see_it_up(self, child: Child) -> None:
        while not await self.service.ready(child.pid):
            await asyncio.sleep(PROBE_EVERY)
        self.up.set()

    def _hopeless(self, code: int) -> LaunchError:
        complain(f"the last lines of {self._log.path}:")
        for line in self._log.tail():
            complain(f"  {line}")
        return LaunchError(
            f"{self.service.name} ended {QUICK_DEATHS} times before it was up (the last time with {describe(code)}). "
            f"What it said is above and in {self._log.path}."
        )
