"""Which version the database has, beside which one this code is made for.

A version is the revision of the newest migration. Code upon an older database meets missing columns in the middle of
its work; upon a newer one it could write what that version does not expect. So neither begins.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import sqlalchemy as sa
from alembic.script import ScriptDirectory

MIGRATIONS = Path(__file__).parents[2] / "migrations"
EXIT_CODE = 3  # of commands that end for this reason or damage, having said all there is to say
EMPTY = "The database cannot be used yet (it has no tables). Check DATABASE_URL, then run: flask db upgrade."
OLDER = "The database is of an older version of Rollcall. Make a backup, then run: flask db upgrade."
NEWER = (
    "The database was made by a newer version of Rollcall ({found}; this one knows {known}). Install that version, or "
    "restore a backup that this one made."
)


class OtherVersion(Exception):
    """The database is of another version than the code. The text says what to do."""


class OlderVersion(OtherVersion):
    """Migrations are missing, or all of them."""

    def __init__(self, found: frozenset[str]) -> None:
        super().__init__(OLDER if found else EMPTY)


class NewerVersion(OtherVersion):
    """Its version is not known here."""

    def __init__(self, found: str) -> None:
        super().__init__(NEWER.format(found=found, known=", ".join(sorted(newest()))))


def refuse_other(connection: sa.Connection) -> None:
    """Raise :class:`OtherVersion` unless the database is of the code's own version."""
    found = versions(connection)
    refuse_newer(found)
    if found != newest():
        raise OlderVersion(found)


def refuse_newer(found: frozenset[str]) -> None:
    """Raise :class:`NewerVersion` when one of the versions ``found`` is not known to this code."""
    unknown = found - _known()
    if unknown:
        raise NewerVersion(", ".join(sorted(unknown)))


def versions(connection: sa.Connection) -> frozenset[str]:
    """The version of the database; none when it has no tables."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return frozenset()
    return frozenset(connection.scalars(sa.text("SELECT version_num FROM alembic_version")))


def newest() -> frozenset[str]:
    """The code's own version."""
    return frozenset(_scripts().get_heads())


@cache
def _known() -> frozenset[str]:
    return frozenset(script.revision for script in _scripts().walk_revisions())


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))
