"""``flask backup``, ``flask restore`` and ``flask restored``: docs/backup.md says what goes around them."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click
import redis
from flask import current_app
from flask.cli import with_appcontext

from config import Settings
from webapp.commands.answers import fail
from webapp.commands.groups import upon_its_own_version
from webapp.core.database import write_transaction
from webapp.core.database_file import database_path
from webapp.core.models import utcnow
from webapp.operations.backup.in_use import InUse
from webapp.operations.backup.manifest import NoBackup
from webapp.operations.backup.marking import mark_restored
from webapp.operations.backup.restore import restore as put_back
from webapp.operations.backup.still_running import nobody_serves, refuse_registered
from webapp.operations.backup.take import NotTaken, take

KEEP = "Keep CREDENTIAL_KEYS and SECRET_KEY as well, in another place: without them no platform's token can be read."
NEXT = (
    "Everybody signs in again, and open invitations and links have ended. The next run of each platform is compared "
    "with this state, and is held if it would undo much. Where a platform then asks for it, press Reconnect."
)
ENDED = "If all have ended, wait a minute, or give --anyway."
POSTGRES_BACKUP = """\
The database is a Postgres, whose own programs make its backups (docs/backup.md):
  pg_dump --format=custom --file=rollcall.dump --dbname="$MIGRATIONS_DATABASE_URL"
With one role for all it is $DATABASE_URL. {keep}"""
POSTGRES_RESTORE = """\
The database is a Postgres, whose own programs restore it. In a new, empty database (docs/backup.md):
  pg_restore --exit-on-error --single-transaction --dbname="$MIGRATIONS_DATABASE_URL" rollcall.dump
  flask db upgrade
  flask restored"""


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@with_appcontext
@upon_its_own_version
def backup(file: Path) -> None:
    """Copy the SQLite database to the new FILE, whole, while everything goes on.

    For Postgres it says which of its own programs to use, with exit code 1.
    """
    database = database_path(_settings().database_url)
    if database is None:
        fail(POSTGRES_BACKUP.format(keep=KEEP))
    try:
        about = take(_settings(), database, file.resolve())
    except NotTaken as reason:
        fail(str(reason))
    click.echo(f"Backed up to {file} as it was on {about.taken_at:%d %B %Y at %H:%M} UTC. {KEEP}")


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--other-keys", is_flag=True, help="Though CREDENTIAL_KEYS are others; platforms are connected anew."
)
@with_appcontext
def restore(file: Path, other_keys: bool) -> None:
    """Put the backup FILE in the place of the SQLite database; what is there now is kept beside it.

    Refused while anything uses the database.
    """
    from webapp import create_app  # which has the commands in it

    database = database_path(_settings().database_url)
    if database is None:
        fail(POSTGRES_RESTORE)
    try:
        restored = put_back(_settings(), database, file, make_app=create_app, other_keys=other_keys)
    except (NoBackup, InUse, OSError) as reason:
        fail(str(reason))
    about = restored.about
    click.echo(
        f"Restored the backup of {about.taken_at:%d %B %Y, %H:%M} UTC, made by Rollcall {about.release}."
        + (f" What was there before is kept as {restored.kept}." if restored.kept else "")
        + f" {NEXT}"
    )


@click.command("restored")
@click.option("--anyway", is_flag=True, help="Though something seems to be running that has ended.")
@with_appcontext
@upon_its_own_version
def restored(anyway: bool) -> None:
    """Say that the database was restored by other means (pg_restore). Stop web, workers and scheduler first.

    Refused while one of them is seen. A web that nobody has asked anything yet is not.
    """
    try:
        if not anyway:
            refuse_registered()
    except InUse as reason:
        fail(f"{reason} {ENDED}")
    except redis.RedisError:
        click.echo(
            "Redis does not answer, so nobody looked whether a worker or the scheduler is running. Make sure that "
            "none is.",
            err=True,
        )
    try:
        with (
            nullcontext() if anyway else nobody_serves(_settings().database_url),
            write_transaction() as session,
        ):
            mark_restored(session, utcnow(), actor="command: flask restored")
    except InUse as reason:
        fail(f"{reason} {ENDED}")
    click.echo(f"Marked as restored. {NEXT}")


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings


ALL = (backup, restore, restored)
