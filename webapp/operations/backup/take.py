"""A backup of a SQLite database, whole and consistent, while everything goes on writing."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from config import Settings
from webapp.core.damage import damage_of
from webapp.core.models import utcnow
from webapp.core.release import VERSION
from webapp.operations.backup import manifest
from webapp.operations.backup.manifest import Manifest


class NotTaken(Exception):
    """No backup was made; the text says why and what to do."""


def take(settings: Settings, database: Path, target: Path) -> Manifest:
    """Copy ``database`` as it is at one moment to the new file ``target``, which only its owner may read.

    SQLite's VACUUM INTO reads in one transaction (sqlite.org, "VACUUM"), so what is in the write-ahead log is there
    too and nobody waits. The file gets its name once it was found whole. Raises :class:`NotTaken`.
    """
    if target.exists():
        raise NotTaken(f"{target} is there already. Choose another name.")
    part = target.with_name(f"{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(database.as_uri() + "?mode=rw", uri=True, timeout=30)) as source:
            source.execute("VACUUM INTO ?", (str(part),))
        about = _finished(settings, part)
        _to_disk(part)
        part.rename(target)
        _to_disk(target.parent)
    except (OSError, sqlite3.Error, manifest.NoBackup) as error:
        part.unlink(missing_ok=True)
        damaged = damage_of(error, settings.database_url)
        raise NotTaken(
            f"No backup was made. {damaged}" if damaged else f"No backup was made ({error})."
        ) from error
    return about


def _finished(settings: Settings, part: Path) -> Manifest:
    """Write the manifest into the copy, and look whether it is whole."""
    with closing(sqlite3.connect(part)) as copy:
        versions = [version for (version,) in copy.execute("SELECT version_num FROM alembic_version")]
        about = Manifest(
            "Rollcall",
            VERSION,
            sorted(versions),
            utcnow().replace(microsecond=0),
            [manifest.digest_of(key) for key in settings.credential_keys],
        )
        manifest.write(copy, about)
        manifest.refuse_damaged(copy, part)
    return about


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
