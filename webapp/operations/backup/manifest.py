"""What a backup says about itself, in a table of its own that a restored database does not keep."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import msgspec

from webapp.core.schema_version import NewerVersion, refuse_newer

TABLE = "rollcall_backup"


class NoBackup(Exception):
    """A file is no backup, or a damaged one; the text says which and what to do."""


class Manifest(msgspec.Struct, frozen=True):
    """A backup of ``product`` in the release ``release``, with a database of ``versions``.

    ``keys`` are digests of the CREDENTIAL_KEYS of that moment, the newest first. They say which keys a backup needs
    and nothing about what those are: a key is 256 random bits.
    """

    product: str
    release: str
    versions: list[str]
    taken_at: datetime
    keys: list[str]

    def lacking(self, keys: Sequence[str]) -> list[str]:
        """The digests of the keys that the backup was made with and that are not among ``keys``."""
        here = {digest_of(key) for key in keys}
        return [digest for digest in self.keys if digest not in here]


def digest_of(key: str) -> str:
    """A name for a key, 12 hexadecimal digits."""
    return hashlib.blake2b(key.encode(), digest_size=6, person=b"rollcall-backup").hexdigest()


def write(database: sqlite3.Connection, manifest: Manifest) -> None:
    database.execute(f"CREATE TABLE {TABLE} (manifest TEXT NOT NULL)")
    database.execute(f"INSERT INTO {TABLE} VALUES (?)", (msgspec.json.encode(manifest).decode(),))  # noqa: S608
    database.commit()


def forget(database: sqlite3.Connection) -> None:
    database.execute(f"DROP TABLE {TABLE}")
    database.commit()


def read(path: Path) -> Manifest:
    """The manifest of the backup at ``path``, which is whole and not newer than this code. Raises :class:`NoBackup`."""
    if not path.is_file():
        raise NoBackup(f"There is no file {path}.")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            (text,) = database.execute(f"SELECT manifest FROM {TABLE}").fetchone()  # noqa: S608
            refuse_damaged(database, path)
        manifest = msgspec.json.decode(text, type=Manifest)
        refuse_newer(frozenset(manifest.versions))
    except (sqlite3.Error, msgspec.MsgspecError, TypeError) as error:
        raise NoBackup(
            f"{path} is no backup, or it is damaged ({error}). Name a file that flask backup has made."
        ) from error
    except NewerVersion as newer:
        raise NoBackup(
            f"{path} is of a newer version of Rollcall ({manifest.release}). Install that version first."
        ) from newer
    return manifest


def refuse_damaged(database: sqlite3.Connection, path: Path) -> None:
    """Raise :class:`NoBackup` unless SQLite finds the whole file in order."""
    (found,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise NoBackup(f"{path} is damaged ({found}). Use another backup.")
