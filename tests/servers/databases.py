"""Migrated databases for tests: made once by the migrations, then copied for each test."""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import flask_migrate

import config
import webapp
from tests.servers.emptying import emptied, shape
from tests.servers.postgres import Postgres
from tests.servers.processes import ROOT
from webapp.core.models.base import db


def migrate(database_url: str, redis_url: str, folder: Path, *, owner_url: str = "") -> None:
    """Bring an empty database to the newest version, as ``flask db upgrade`` does."""
    settings = config.test_settings(
        database_url=database_url,
        redis_url=redis_url,
        data_dir=folder,
        migrations_database_url=owner_url.replace("postgresql://", "postgresql+psycopg://"),
    )
    app = webapp.create_app(settings)
    with app.app_context():
        flask_migrate.upgrade(str(ROOT / "migrations"))
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


class SqliteTemplate:
    """A migrated SQLite file and its copies."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        self._folder = folder
        self._template = folder / "template.db"
        migrate(f"sqlite:///{self._template}", redis_url, folder)
        with closing(sqlite3.connect(self._template)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # copies are of the one file

    @contextmanager
    def copy(self) -> Iterator[str]:
        """Address of a fresh copy, removed afterwards."""
        path = self._folder / f"{uuid.uuid4().hex}.db"
        shutil.copyfile(self._template, path)
        path.chmod(0o600)  # as Rollcall itself makes it; its -wal and -shm follow (sqlite.org, "WAL")
        try:
            yield f"sqlite:///{path}"
        finally:
            for part in ("", "-wal", "-shm", "-turn"):
                path.with_name(path.name + part).unlink(missing_ok=True)


class PostgresTemplate:
    """A migrated Postgres database and its copies, which are emptied and given away again.

    One role owns the tables, as deployments should have it; what is tested signs in as another.
    """

    def __init__(self, server: Postgres, folder: Path, redis_url: str) -> None:
        self._server = server
        self._role = server.make_role()
        self._template = server.create()
        owner_url = server.url_of(self._template)
        migrate(server.url_of(self._template, self._role), redis_url, folder, owner_url=owner_url)
        self._shape = shape(owner_url)
        self._free: list[str] = []

    @contextmanager
    def copy(self) -> Iterator[str]:
        """Address of an empty copy."""
        name = self._free.pop() if self._free else self._server.create(self._template)
        try:
            yield self._server.url_of(name, self._role)
        finally:
            if emptied(self._server.url_of(name), self._shape):
                self._free.append(name)
            else:
                self._server.drop(name)

    def owner_url(self, url: str) -> str:
        """The copy at ``url`` for who owns it, a superuser."""
        return self._server.url_of(urlsplit(url).path.removeprefix("/"))

    def close(self) -> None:
        for name in (*self._free, self._template):
            self._server.drop(name)
        self._server.drop_role(self._role)
