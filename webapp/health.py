"""``/healthz``: can this process reach its database and its queue?"""

from __future__ import annotations

import logging

import redis
import sqlalchemy as sa
from flask import Blueprint, jsonify
from werkzeug.wrappers import Response

from webapp import queue
from webapp.access import public
from webapp.models import db

bp = Blueprint("health", __name__)
log = logging.getLogger(__name__)


@bp.get("/healthz")
@public
def healthz() -> tuple[Response, int]:
    """200 when both answer, else 503; each part says ``ok`` or ``unreachable`` and no more."""
    parts = {"database": "ok", "queue": "ok"}
    try:
        db.session.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError as error:
        log.error("healthz: the database does not answer: %s", error)
        parts["database"] = "unreachable"
    try:
        queue.connection().ping()
    except redis.RedisError as error:
        log.error("healthz: the queue does not answer: %s", error)
        parts["queue"] = "unreachable"
    healthy = set(parts.values()) == {"ok"}
    return jsonify(status="ok" if healthy else "unhealthy", **parts), 200 if healthy else 503
