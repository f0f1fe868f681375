"""The two databases: making, copying and dropping one, and opening one without the product."""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg.types.string import TextLoader

CONNECT_TIMEOUT = 10  # seconds


class Databases(Protocol):
    """A kind of database. Databases are named by their address; nobody may be connected to one that is copied."""

    name: str
    version: str

    def make(self) -> str:
        """The address of a new, empty one."""

    def copy(self, url: str) -> str:
        """The address of a copy."""

    def settle(self, url: str) -> None:
        """Do now what the database does by itself some time after many rows were written."""

    def drop(self, url: str) -> None:
        """Remove one."""


class Sqlite:
    """A file for each database, in ``folder``."""

    name = "sqlite"
    version = f"SQLite {sqlite3.sqlite_version}"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make(self) -> str:
        return f"sqlite:///{self._folder / uuid.uuid4().hex}.db"

    def copy(self, url: str) -> str:
        connection = connect(url)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # copies are of the one file
        connection.close()
        made = self.make()
        shutil.copyfile(_path(url), _path(made))
        return made

    def settle(self, url: str) -> None:
        connection = connect(url)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    def drop(self, url: str) -> None:
        for ending in ("", "-wal", "-shm"):
            Path(f"{_path(url)}{ending}").unlink(missing_ok=True)


class Postgres:
    """Databases of the server whose maintenance database is at ``url``."""

    name = "postgres"

    def __init__(self, url: str) -> None:
        self._url = url
        with psycopg.connect(url) as connection:
            self.version = f"PostgreSQL {connection.execute('SHOW server_version').fetchone()[0]}"  # type: ignore[index]

    def make(self) -> str:
        return self._create("")

    def copy(self, url: str) -> str:
        return self._create(f" TEMPLATE {urlsplit(url).path[1:]} STRATEGY FILE_COPY")

    def settle(self, url: str) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")

    def drop(self, url: str) -> None:
        self._run(f"DROP DATABASE IF EXISTS {urlsplit(url).path[1:]} WITH (FORCE)")

    def _create(self, how: str) -> str:
        name = f"rollcall_bench_{uuid.uuid4().hex}"
        self._run(f"CREATE DATABASE {name}{how}")
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{name}"))

    def _run(self, command: str) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(command.encode())


def connect(url: str) -> Any:
    """The driver's own connection, with the settings the product gives its connections.

    JSON comes and goes as text.
    """
    if url.startswith("sqlite"):
        connection = sqlite3.connect(_path(url), timeout=CONNECT_TIMEOUT, isolation_level=None)
        for pragma in ("journal_mode=wal", "synchronous=normal", "foreign_keys=on", "cache_size=-16000"):
            connection.execute(f"PRAGMA {pragma}")
        return connection
    opened = psycopg.connect(
        url,
        options="-c timezone=UTC -c max_parallel_workers_per_gather=0 -c jit=off",
        connect_timeout=CONNECT_TIMEOUT,
    )
    opened.adapters.register_loader("json", TextLoader)
    return opened


def _path(url: str) -> str:
    return url.removeprefix("sqlite:///")
