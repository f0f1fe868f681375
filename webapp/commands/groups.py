"""The groups of commands: none begins its work upon the database of another version."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import click
import sqlalchemy as sa
from flask.cli import AppGroup

from webapp.models import db
from webapp.schema_version import EXIT_CODE, OtherVersion, refuse_other

Function = Callable[..., Any]


class CommandGroup(AppGroup):
    """Commands that read or write the database."""

    def command(  # type: ignore[override]  # as Flask's own
        self, *args: Any, **kwargs: Any
    ) -> Callable[[Function], click.Command]:
        decorate = super().command(*args, **kwargs)
        return lambda function: decorate(upon_its_own_version(function))


def upon_its_own_version(function: Function) -> Function:
    """``function``, a command, which ends with one sentence when the database is of another version."""

    @wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        end_upon_another_version()
        return function(*args, **kwargs)

    return checked


def end_upon_another_version() -> None:
    """End the command with one sentence and :data:`EXIT_CODE` when the database is of another version."""
    try:
        with db.engine.connect() as connection:
            refuse_other(connection)
    except OtherVersion as other:
        click.echo(f"Error: {other}", err=True)
        sys.exit(EXIT_CODE)
    except sa.exc.OperationalError as error:
        reason = str(error.orig).splitlines()[0]
        raise click.ClickException(
            f"The database cannot be used ({reason}). Check DATABASE_URL, then run: flask db upgrade."
        ) from None
