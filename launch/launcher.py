"""Starts everything in order, says when it is ready, and stops everything in the opposite order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import config
from launch.checks import cannot_be_written
from launch.children import Child, describe
from launch.errors import TOLD, LaunchError
from launch.guard import Guard
from launch.keeper import Keeper, Service
from launch.processes import caught_signals
from launch.services import Plan, Step
from launch.terminal import Log, complain, say
from launch.waiting import telling
from settings_rules.running import NOTE

WATCH_EVERY = 0.25  # seconds between two looks at the parent

READY = """\
Rollcall is ready at http://127.0.0.1:{port}
  Sign in to contract demo with one of these, password rollcall-demo-2026:
    admin@demo.test    connects Intercom and enables User sync
    manager@demo.test  activates pending users
    support@demo.test  reads the state of the sync
  Ctrl-C stops everything; data stays in {data_dir}"""


class Launcher:
    """One run of everything."""

    def __init__(self, plan: Plan, guard: Guard) -> None:
        self._plan = plan
        self._guard = guard
        self._logs = plan.settings.data_dir / "log"
        self._keepers: list[Keeper] = []
        self._stop = asyncio.Event()

    async def run(self, parent: int | None = None) -> None:
        """Run until a signal (or the end of ``parent``) stops it. Raises :class:`LaunchError` on failure."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._asked_to_stop)
        work = asyncio.create_task(self._start())
        tasks = [work, asyncio.create_task(self._stop.wait())]
        if parent is not None:
            tasks.append(asyncio.create_task(self._watch(parent)))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                say("Stopping ...")
        finally:
            self._stop.set()
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            await self._stop_all()
        for result in results:
            if isinstance(result, Exception):
                raise result
        say("Stopped.")

    def _asked_to_stop(self) -> None:
        if self._stop.is_set():
            for keeper in self._keepers:
                keeper.hurry()
        self._stop.set()

    async def _start(self) -> None:
        """Start all in order, then wait for a service that cannot be kept running."""
        plan = self._plan
        if plan.redis is not None:
            await self._first_failure_or(self._up(self._keep(plan.redis)))
        self._write_running()
        for service in plan.sandboxes:
            self._keep(service)
        for step in plan.steps:
            say(f"Preparing {step.name} ...")
            await self._first_failure_or(self._do(step))
        say(f"Starting {listed([service.name for service in plan.services])} ...")
        for service in plan.services:
            self._keep(service)
        await self._first_failure_or(self._up(*self._keepers))
        say(READY.format(port=plan.settings.port, data_dir=plan.settings.data_dir))
        await self._first_failure_or(asyncio.Event().wait())

    def _keep(self, service: Service) -> Keeper:
        log = Log(self._logs / f"{service.name}.log", loud=service.loud)
        keeper = Keeper(service, log, self._guard)
        self._keepers.append(keeper)
        return keeper

    async def _up(self, *keepers: Keeper) -> None:
        """Wait until all of them are up."""

        def missing() -> str:
            names = [keeper.service.name for keeper in keepers if not keeper.up.is_set()]
            return f"{listed(names or ['the rest'])}; what is said there is in {self._logs}"

        async with telling(missing):
            for keeper in keepers:
                await keeper.up.wait()

    async def _first_failure_or(self, other: Coroutine[Any, Any, object]) -> None:
        """Wait for ``other``, unless a service turns out to be impossible to start: that is raised."""
        task = asyncio.create_task(other)
        keepers = [keeper.task for keeper in self._keepers]
        try:
            done, _ = await asyncio.wait({task, *keepers}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, LaunchError):
                await task
        for ended in done:
            ended.result()

    async def _do(self, step: Step) -> None:
        log = Log(self._logs / "prepare.log", loud=False)
        child = await Child.start(step.command, step.environ, log, self._guard)
        try:
            async with telling(lambda: step.name):
                code = await child.wait()
        except asyncio.CancelledError:
            child.kill()
            await child.wait()
            raise
        if code == TOLD:
            raise LaunchError(log.tail()[-1].removeprefix("Error: "))
        if code:
            complain(f"the last lines of {log.path}:")
            for line in log.tail():
                complain(f"  {line}")
            raise LaunchError(f"preparing {step.name} failed ({describe(code)}). What it said is above.")
        log.close()

    async def _stop_all(self) -> None:
        """Scheduler, worker and web together; then the sandboxes and Redis, which a job in progress still needs."""
        together = {service.name for service in self._plan.services}
        async with telling(self._still_running):
            await asyncio.gather(
                *(keeper.stop() for keeper in self._keepers if keeper.service.name in together)
            )
            for keeper in reversed(self._keepers):
                if keeper.service.name not in together:
                    await keeper.stop()
        self.running_file.unlink(missing_ok=True)
        socket = config.redis_socket(self._plan.settings.data_dir)
        with contextlib.suppress(OSError):  # not empty, or never made
            socket.parent.rmdir()

    def _still_running(self) -> str:
        names = [keeper.service.name for keeper in self._keepers if not keeper.task.done()]
        return f"{listed(names or ['the rest'])} to end (Ctrl-C once more: at once)"

    async def _watch(self, parent: int) -> None:
        """Return when ``parent`` has gone or is being interrupted.

        GNU make passes SIGTERM on to its commands but not SIGINT, which it takes for a Ctrl-C that everybody got;
        it then waits. What shows is that it no longer handles the signal it has just received.
        """
        at_start = caught_signals(parent)
        while os.getppid() == parent and not at_start & ~caught_signals(parent):
            await asyncio.sleep(WATCH_EVERY)

    @property
    def running_file(self) -> Path:
        return self._plan.settings.data_dir / NOTE

    def _write_running(self) -> None:
        """Tell commands started beside us what we use. It may hold passwords: for the owner only."""
        environ = self._plan.services[0].environ
        found = {
            "mode": self._plan.settings.mode,
            "port": self._plan.settings.port,
            "database_url": environ.get("DATABASE_URL"),
            "redis_url": environ["REDIS_URL"],
        }
        try:
            handle = os.open(self.running_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w") as file:
                json.dump(found, file)
        except OSError as error:
            raise cannot_be_written(self._plan.settings.data_dir, error) from error


def listed(names: Sequence[str]) -> str:
    """Names as people list them: "web", "web and worker", "web, worker and scheduler"."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
