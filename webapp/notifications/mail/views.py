"""The outbox page: which mails were written, and what became of each."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, g, render_template, request

from config import Settings
from webapp.core.models.mail import MESSAGE_STATES
from webapp.core.permissions import MANAGE_INTEGRATIONS, MANAGE_SECURITY
from webapp.notifications.mail import queries
from webapp.web.access import requires

bp = Blueprint("mail", __name__)


@bp.get("/c/<contract>/outbox")
@requires(MANAGE_INTEGRATIONS, MANAGE_SECURITY)
def index(contract: str) -> str:
    state = request.args.get("state", "")
    if state not in MESSAGE_STATES:
        state = ""
    settings = _settings()
    rows, page = queries.messages(g.access.contract.id, state=state, demo=settings.demo)
    return render_template(
        "mail/index.html",
        rows=rows,
        page=page,
        state=state,
        mail_server=settings.mail is not None,
        demo=settings.demo,
    )


@bp.get("/c/<contract>/outbox/<int:message_id>")
@requires(MANAGE_INTEGRATIONS, MANAGE_SECURITY)
def show(contract: str, message_id: int) -> str:
    settings = _settings()
    row = queries.message(g.access.contract.id, message_id, demo=settings.demo)
    if row is None:
        abort(404)
    return render_template("mail/show.html", row=row, mail_server=settings.mail is not None)


def _settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found
