"""What must hold before a process begins to serve: a database with tables, and no demo accounts in production."""

from __future__ import annotations

import sys

from flask import Flask
from sqlalchemy.exc import OperationalError, ProgrammingError

from webapp.auth.demo_accounts import DemoAccountsPresent, refuse_in_production


def ready_to_serve(app: Flask) -> Flask:
    """``app``, checked. Ends the process with one sentence when it must not serve."""
    with app.app_context():
        try:
            refuse_in_production(app.extensions["settings"].mode)
        except DemoAccountsPresent as error:
            sys.exit(str(error))
        except (OperationalError, ProgrammingError) as error:
            reason = str(error.orig).splitlines()[0]
            sys.exit(
                f"The database cannot be used yet ({reason}). Check DATABASE_URL, then run: flask db upgrade."
            )
    return app
