"""Runs the migrations with the application's own rules for connections, as the role that owns the tables."""

import sys

import click
import sqlalchemy as sa
from alembic import context
from flask import current_app
from sqlalchemy.sql import sqltypes

from webapp.core.damage import Damaged, damage_of, refuse_damaged
from webapp.core.database import check_foreign_keys, foreign_keys_off, writing
from webapp.core.database_roles import as_owner, let_serve, migrating_engine
from webapp.core.models import db
from webapp.core.models.base import UtcDateTime
from webapp.core.schema_version import EXIT_CODE, NewerVersion, refuse_newer, versions

MIGRATING = 0x526F6C6C63616C6C  # the number of the lock: any that is only ours


def render_item(kind, item, _autogen_context):
    """Write our own column type as what it is in the database, so that old migrations need no code of ours."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def same_type(_context, _inspected, _metadata, inspected_type, metadata_type):
    """SQLite reports what it was told loosely; compare only what differs in kind."""
    if isinstance(metadata_type, UtcDateTime):
        return not isinstance(inspected_type, sqltypes.DateTime)
    return None


def one_at_a_time(connection):
    """Whoever migrates the same database at the same time waits, and then finds it migrated.

    SQLite has it by ``BEGIN IMMEDIATE``.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATING})")


def end_upon_newer(connection):
    """A newer version's migrations are not here, so Alembic could only say that it does not find them."""
    try:
        refuse_newer(versions(connection))
    except NewerVersion as newer:
        end(newer)


def end(reason):
    """End with one sentence, which says all there is to say."""
    click.echo(f"Error: {reason}", err=True)
    sys.exit(EXIT_CODE)


def run(settings):
    configured = current_app.extensions["migrate"].configure_args
    with (
        writing(),
        migrating_engine(settings) as engine,
        engine.connect() as connection,
        foreign_keys_off(connection),
    ):
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_item=render_item,
            **(configured | {"compare_type": same_type}),
        )
        with as_owner(), context.begin_transaction():
            one_at_a_time(connection)
            end_upon_newer(connection)
            context.run_migrations()
            check_foreign_keys(connection)
            let_serve(connection, settings)
        connection.commit()


def run_upon_a_whole_one():
    """Migrate, unless the file of the database is damaged: changing it would damage more."""
    settings = current_app.extensions["settings"]
    try:
        refuse_damaged(settings.database_url)
        run(settings)
    except Damaged as damaged:
        end(damaged)
    except sa.exc.DatabaseError as error:
        damaged = damage_of(error, settings.database_url)
        if damaged is None:
            raise
        end(damaged)


run_upon_a_whole_one()
