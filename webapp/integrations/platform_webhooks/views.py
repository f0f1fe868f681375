"""Where platforms send their notices. No session, no anti-forgery token: each is signed by who sends it."""

from __future__ import annotations

import logging

from flask import Blueprint, abort, current_app, request

from config import Settings
from webapp.integrations.platform_webhooks import receive
from webapp.web.access import public

log = logging.getLogger(__name__)

bp = Blueprint("hooks", __name__, url_prefix="/hooks")

BODY_MAX = 64 * 1024  # bytes


@bp.get("/intercom")
@public
def intercom_ready() -> dict[str, str]:
    """Intercom asks with HEAD when the address is saved there."""
    return {"status": "ready"}


@bp.post("/intercom")
@public
def intercom() -> dict[str, str]:
    """A notice of Intercom. Answers at once: whatever it brings about is done by a worker later."""
    settings: Settings = current_app.extensions["settings"]
    if (request.content_length or 0) > BODY_MAX:
        abort(413)
    raw = request.get_data()
    if len(raw) > BODY_MAX:
        abort(413)
    try:
        done = receive.receive(
            raw, request.headers.get("X-Hub-Signature", ""), settings.intercom.client_secret
        )
    except receive.NotSigned:
        log.warning(
            "a notice for Intercom’s address was not signed with our secret", extra={"event": "denied"}
        )
        abort(400)
    except receive.Unreadable:
        log.warning("a notice of Intercom is not as documented")
        abort(400)
    log.info("a notice of Intercom: %s", done)
    return {"status": done}
