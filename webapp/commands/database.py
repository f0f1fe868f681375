"""``flask database``: whether the role that serves may do more than that."""

from __future__ import annotations

import click
import sqlalchemy as sa

from webapp.commands.answers import fail
from webapp.commands.groups import CommandGroup
from webapp.core.database_roles import WrongRole, beyond_serving, refuse_too_little
from webapp.core.models import db

group = CommandGroup("database", help="The database: what its role may do.")


@group.command("role")
def role() -> None:
    """Check the role of DATABASE_URL: exit code 0 when it may do what serving needs and no more, else 1."""
    with db.engine.connect() as connection:
        if connection.dialect.name != "postgresql":
            click.echo("SQLite has no roles.")
            return
        name = connection.scalar(sa.text("SELECT current_user"))
        try:
            refuse_too_little(connection)
        except WrongRole as lacking:
            fail(str(lacking))
        beyond = beyond_serving(connection)
    if beyond:
        fail(f"The role {name} serves and {', '.join(beyond)}. docs/database-roles.md says how it should be.")
    click.echo(f"The role {name} serves and may do nothing beyond that.")
