"""Runs the migrations over the application's own engine, so that its SQLite rules apply here as well."""

from alembic import context
from flask import current_app
from sqlalchemy.sql import sqltypes

from webapp.database import check_foreign_keys, foreign_keys_off, writing
from webapp.models import db
from webapp.models.base import UtcDateTime


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


def run():
    configured = current_app.extensions["migrate"].configure_args
    with writing(), db.engine.connect() as connection, foreign_keys_off(connection):
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_item=render_item,
            **(configured | {"compare_type": same_type}),
        )
        with context.begin_transaction():
            context.run_migrations()
            check_foreign_keys(connection)
        connection.commit()


run()
