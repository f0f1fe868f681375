"""What gunicorn (``wsgi:serving()``) and the flask command (``app``) load."""

import sys

from flask import Flask

from config import SettingsError
from webapp import create_app, logs
from webapp.serving import ready_to_serve

try:
    logs.init_logging()
    app = create_app()
except SettingsError as error:
    sys.exit(str(error))


def serving() -> Flask:
    """The application, once it may serve."""
    return ready_to_serve(app)
