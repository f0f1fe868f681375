"""``/healthz/live``: does this process answer? ``/healthz`` and ``/healthz/ready``: could it serve somebody now?"""

from __future__ import annotations

from flask import Blueprint, current_app, jsonify
from werkzeug.wrappers import Response

from webapp.web.access import public
from webapp.web.readiness import Readiness

bp = Blueprint("health", __name__)


@bp.get("/healthz/live")
@public
def live() -> Response:
    """Nothing is asked of anything else: a process that answers need not be started anew."""
    return jsonify(status="ok")


@bp.get("/healthz")
@bp.get("/healthz/ready")
@public
def ready() -> tuple[Response, int]:
    """200 when database and queue both take a write, else 503; each part says ``ok`` or ``failing`` and no more."""
    readiness: Readiness = current_app.extensions["readiness"]
    parts = readiness.parts()
    words = {part: "ok" if works else "failing" for part, works in parts.items()}
    healthy = all(parts.values())
    return jsonify(status="ok" if healthy else "unhealthy", **words), 200 if healthy else 503
