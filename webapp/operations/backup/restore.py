"""The way back to a backup of a SQLite database: all is made ready beside it, then takes its place at once."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import flask_migrate
from flask import Flask

from config import Settings
from webapp.core.database import write_transaction
from webapp.core.models import db, utcnow
from webapp.core.schema_version import MIGRATIONS
from webapp.operations.backup import manifest
from webapp.operations.backup.in_use import InUse, alone_with
from webapp.operations.backup.manifest import Manifest, NoBackup
from webapp.operations.backup.marking import mark_restored

FILES = ("", "-wal", "-shm")  # of one SQLite database


@dataclass(frozen=True)
class Restored:
    """Of which backup the database is now, and where what was there before is kept (``None``: there was nothing)."""

    about: Manifest
    kept: Path | None


def restore(
    settings: Settings,
    database: Path,
    source: Path,
    *,
    make_app: Callable[[Settings], Flask],
    other_keys: bool = False,
) -> Restored:
    """Put the backup ``source`` in the place of ``database``, brought to this version and marked as restored.

    ``make_app`` makes the application upon the copy, which brings it to this version.
    Raises :class:`NoBackup` for a file that is none, or that was made with keys that are not in CREDENTIAL_KEYS (unless
    ``other_keys``), and :class:`InUse`. Nothing has changed then.
    """
    about = manifest.read(source)
    if not other_keys:
        _refuse_other_keys(settings, about)
    database.parent.mkdir(parents=True, exist_ok=True)
    with alone_with(database):
        fresh = database.with_name(f"{database.name}.restoring")
        try:
            _copy(source, fresh)
            _make_ready(make_app, settings, fresh, about)
            kept = _set_aside(database, utcnow())
            fresh.rename(database)
        finally:
            _remove(fresh)
    return Restored(about, kept)


def _refuse_other_keys(settings: Settings, about: Manifest) -> None:
    lacking = about.lacking(settings.credential_keys)
    if lacking:
        raise NoBackup(
            f"This backup was made with CREDENTIAL_KEYS that are not set here (digest {', '.join(lacking)}). Add the "
            "old keys at the end of CREDENTIAL_KEYS, or give --other-keys and connect each platform anew afterwards."
        )


def _copy(source: Path, fresh: Path) -> None:
    """A copy without the manifest, which only its owner may read."""
    _remove(fresh)
    new = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(new, "wb") as file, source.open("rb") as content:
        shutil.copyfileobj(content, file)
    with closing(sqlite3.connect(fresh)) as copy:
        manifest.forget(copy)


def _make_ready(
    make_app: Callable[[Settings], Flask], settings: Settings, fresh: Path, about: Manifest
) -> None:
    """Migrate the copy, and mark it as restored; it is one file then, without a log beside it."""
    app = make_app(replace(settings, database_url=f"sqlite:///{fresh}", migrations_database_url=""))
    with app.app_context():
        flask_migrate.upgrade(str(MIGRATIONS))
        with write_transaction() as session:
            mark_restored(session, utcnow(), actor="command: flask restore", taken_at=about.taken_at)
        db.session.remove()
        db.engine.dispose()
    with closing(sqlite3.connect(fresh)) as copy:
        copy.execute("PRAGMA journal_mode=delete")
        manifest.refuse_damaged(copy, fresh)


def _set_aside(database: Path, now: datetime) -> Path | None:
    """Keep what is there under another name; ``None`` when nothing is. Raises :class:`InUse` for an open database."""
    if not database.exists():
        _remove(database)  # a log without its database belongs to nothing
        return None
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(database, timeout=1)) as there:
        try:
            there.execute("PRAGMA journal_mode=delete")  # needs it alone, and leaves one file
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise InUse(
                    f"The database {database} is in use by a command. Wait until it has ended."
                ) from None
            raise
    kept = database.with_name(f"{database.name}.before-{now:%Y%m%dT%H%M%SZ}")
    for part in FILES:
        with suppress(FileNotFoundError):
            database.with_name(database.name + part).rename(kept.with_name(kept.name + part))
    return kept


def _remove(database: Path) -> None:
    for part in FILES:
        database.with_name(database.name + part).unlink(missing_ok=True)
