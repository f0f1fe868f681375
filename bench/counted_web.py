"""``bench.counted_web:serving()``: the product as gunicorn serves it, counting. Only the bench loads this module."""

from __future__ import annotations

from flask import Flask

import wsgi
from bench.counting import counting
from webapp.core.models import db


def serving() -> Flask:
    """The application, counting."""
    app = wsgi.serving()
    with app.app_context():
        return counting(app, db.engine)
