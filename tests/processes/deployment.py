"""Workers and schedulers as processes of their own, on a real Redis, a real database and the sandbox."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL

import psutil

from launch.processes import signal_session
from tests.sandbox.caller import Caller
from tests.servers.processes import ROOT, Program, start, wait_until
from tests.servers.redis import redis_server
from tests.servers.stack import stack_environ
from tests.sync.office import Office, open_office
from webapp.core.credentials import seal
from webapp.core.database import write_transaction
from webapp.core.models import Integration, SyncRun
from webapp.queue import wake
from webapp.queue.jobs import SYNC

PATIENCE = 90.0  # seconds until a busy machine has surely done it


class OwnRedis:
    """A Redis that a test may stop and start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: ExitStack | None = None
        self.url = f"unix://{folder / 'redis.sock'}"

    def start(self) -> None:
        self._running = ExitStack()
        self._running.enter_context(redis_server(self._folder))

    def stop(self) -> None:
        if self._running is not None:
            self._running.close()
            self._running = None


@dataclass
class Deployment:
    """What runs beside the test, and the contracts in its database."""

    office: Office
    caller: Caller
    redis: OwnRedis
    folder: Path
    environ: dict[str, str]
    started: list[Program] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def worker(self) -> Program:
        """Start a worker."""
        return self._start("worker", "worker.py")

    def scheduler(self) -> Program:
        """Start a scheduler."""
        return self._start("scheduler", "worker.py", "schedule")

    def kept_worker(self) -> Callable[[], None]:
        """Start a worker; each call of the answer starts another if it has ended, as a supervisor would."""
        workers = [self.worker()]

        def keep() -> None:
            if workers[-1].process.poll() is not None:
                workers.append(self.worker())

        return keep

    def _start(self, name: str, *arguments: str) -> Program:
        log = self.folder / f"{name}-{next(self._numbers)}.log"
        program = start([sys.executable, *arguments], log, environ=self.environ)
        self.started.append(program)
        return program

    def flask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``flask ARGUMENTS``."""
        return subprocess.run(
            [sys.executable, "-m", "flask", *arguments],
            cwd=ROOT, env=self.environ, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def wait(self, reached: Callable[[], bool]) -> None:
        """Return once ``reached()``; AssertionError with what the processes said when it takes for ever."""
        try:
            wait_until(reached, PATIENCE)
        except AssertionError as error:
            logs = "\n".join(f"--- {program.log.name}\n{program.said()[-3000:]}" for program in self.started)
            raise AssertionError(f"{error}\n{logs}") from error

    def wait_for_end(self, run: SyncRun, office: Office | None = None) -> SyncRun:
        where = office or self.office
        self.wait(lambda: not where.run(run.id).live)
        return where.run(run.id)

    def connected(self, office: Office) -> Office:
        """``office`` with a token of the sandbox, got as the product gets one."""
        token = self.caller.token()
        me = self.caller.get("/me", token).json()
        with write_transaction() as session:
            integration = session.get_one(Integration, office.integration_id)
            integration.credentials = seal(integration, {"access_token": token})
            integration.site = "us"
            integration.remote_account_id = me["app"]["id_code"]
        return office

    def another_office(self) -> Office:
        return self.connected(open_office(self.office.app))

    def stop(self) -> None:
        for program in self.started:
            program.stop(patience=5)


def workers_of(program: Program) -> list[psutil.Process]:
    """The workers that a worker process keeps."""
    return psutil.Process(program.pid).children()


def horse_of(program: Program) -> psutil.Process | None:
    """The process that carries out a run, if there is one: the child of one of the workers that read platforms."""
    redis = wake.connection()
    listed = redis.sunion([f"rq:workers:{name}" for name in SYNC.values()])
    reading = {int(redis.hget(key, "pid") or 0) for key in listed}  # type: ignore[arg-type]
    horses = [horse for worker in workers_of(program) if worker.pid in reading for horse in worker.children()]
    return horses[0] if horses else None


def kill_all_of(worker: Program) -> None:
    """SIGKILL for the worker and its child at once, as when the machine's power goes."""
    signal_session(worker.pid, SIGKILL)
    worker.process.wait()


def deployed_environ(
    data_dir: Path, *, database_url: str, redis_url: str, sandbox_url: str, key: str
) -> dict[str, str]:
    """The environment of the processes: leases and ticks of seconds, so that a test need not wait for minutes."""
    return stack_environ(
        18299,
        data_dir,
        {
            "ROLLCALL_MODE": "demo",
            "DATABASE_URL": database_url.replace("postgresql+psycopg://", "postgresql://"),
            "REDIS_URL": redis_url,
            "CREDENTIAL_KEYS": key,
            "INTERCOM_API_URL": sandbox_url,
            "INTERCOM_AUTHORIZE_URL": f"{sandbox_url}/oauth",
            "SYNC_LEASE_SECONDS": "3",
            "SYNC_TICK_SECONDS": "1",
            "SYNC_BATCH_SIZE": "1",
        },
    )
