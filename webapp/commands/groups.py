"""The groups of commands: none begins its work upon the database of another version, or tells of a damaged one at
length.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

import click
import sqlalchemy as sa
from flask import current_app
from flask.cli import AppGroup

from webapp.core.damage import damage_of
from webapp.core.models import db
from webapp.core.schema_version import EXIT_CODE, OtherVersion, refuse_other

Function = Callable[..., Any]


class CommandGroup(AppGroup):
    """Commands that read or write the database; those ``of_any_version`` read what all versions have."""

    def command(  # type: ignore[override]  # as Flask's own
        self, *args: Any, of_any_version: bool = False, **kwargs: Any
    ) -> Callable[[Function], click.Command]:
        decorate = super().command(*args, **kwargs)
        checked = brief_about_damage if of_any_version else upon_its_own_version
        return lambda function: decorate(checked(function))


def upon_its_own_version(function: Function) -> Function:
    """``function``, a command, which ends with one sentence when the database is of another version, or damaged."""

    @wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        end_upon_another_version()
        return function(*args, **kwargs)

    return brief_about_damage(checked)


def brief_about_damage(function: Function) -> Function:
    """``function``, a command, which ends with one sentence when the file of the database is damaged."""

    @wraps(function)
    def told(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except sa.exc.DatabaseError as error:
            damaged = damage_of(error, current_app.extensions["settings"].database_url)
            if damaged is None:
                raise
            end_with(damaged)

    return told


def end_upon_another_version() -> None:
    """End the command with one sentence and :data:`EXIT_CODE` when the database is of another version."""
    try:
        with db.engine.connect() as connection:
            refuse_other(connection)
    except OtherVersion as other:
        end_with(other)
    except sa.exc.OperationalError as error:
        reason = str(error.orig).splitlines()[0]
        raise click.ClickException(
            f"The database cannot be used ({reason}). Check DATABASE_URL, then run: flask db upgrade."
        ) from None


def end_with(reason: object) -> NoReturn:
    """End the command with ``reason``, a sentence that says all there is to say, and :data:`EXIT_CODE`."""
    click.echo(f"Error: {reason}", err=True)
    sys.exit(EXIT_CODE)
