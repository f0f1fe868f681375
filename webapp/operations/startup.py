"""What must hold before a process begins to serve: a whole database, tables of its own version that it may use, and no
demo accounts in production."""

from __future__ import annotations

import logging
import sys

from flask import Flask
from sqlalchemy.exc import DatabaseError, OperationalError, ProgrammingError

from config import Settings
from webapp.accounts.sign_in.demo_accounts import DemoAccountsPresent, refuse_in_production
from webapp.core.damage import Damaged, damage_of, refuse_damaged
from webapp.core.database import close_connections
from webapp.core.database_file import database_path
from webapp.core.database_roles import WrongRole, refuse_too_little, warn_of_too_much
from webapp.core.models import db
from webapp.core.schema_version import OtherVersion, refuse_other
from webapp.operations.backup.in_use import InUse, serve_from

log = logging.getLogger(__name__)


def ready_to_serve(app: Flask) -> Flask:
    """``app``, checked. Ends the process with one sentence when it must not serve."""
    settings = app.extensions["settings"]
    with app.app_context():
        try:
            refuse_damaged(settings.database_url)
            with db.engine.connect() as connection:
                refuse_too_little(connection)
                refuse_other(connection)
                if settings.mode == "production":
                    warn_of_too_much(connection)
            refuse_in_production(settings.mode)
            use_database(app, settings)
        except (Damaged, DemoAccountsPresent, InUse, OtherVersion, WrongRole) as error:
            sys.exit(str(error))
        except (OperationalError, ProgrammingError) as error:
            reason = str(error.orig).splitlines()[0]
            sys.exit(
                f"The database cannot be used yet ({reason}). Check DATABASE_URL, then run: flask db upgrade."
            )
        except DatabaseError as error:
            if damaged := damage_of(error, settings.database_url):
                sys.exit(str(damaged))
            raise
    close_connections(app)  # gunicorn and the workers' process fork after this
    if settings.mode == "production" and settings.migrations_database_url:
        log.warning(
            "MIGRATIONS_DATABASE_URL is set for a process that serves, so whoever breaks into it could change the "
            "tables. Set it for flask db upgrade alone."
        )
    return app


def use_database(app: Flask, settings: Settings) -> None:
    """Keep a restore away from a SQLite file for as long as this process, or one that it forks, lives."""
    path = database_path(settings.database_url)
    if path is not None:
        app.extensions["database_in_use"] = serve_from(path)
