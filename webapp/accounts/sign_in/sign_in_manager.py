"""Flask-Login on top of the server's own sessions."""

from __future__ import annotations

from flask import Flask, current_app, g, session
from flask_login import LoginManager

from webapp.accounts.sign_in import sessions
from webapp.core.logs import bind
from webapp.core.models import Account

TOKEN = "sign_in"  # noqa: S105 - the name of a key in the cookie


def init_app(app: Flask) -> None:
    manager = LoginManager()
    manager.session_protection = None  # the server's session decides, not the browser's address
    manager.init_app(app)
    manager.user_loader(_load)


def _load(account_id: str) -> Account | None:
    """The account of the live session in the cookie; ``None`` makes the request anonymous."""
    token = session.get(TOKEN)
    if not isinstance(token, str):
        return None
    found = sessions.find(token, current_app.extensions["settings"])
    if found is None or str(found.account_id) != account_id:
        return None
    g.sign_in_session_id, g.signed_in_at = found.id, found.created_at
    bind(account=found.account_id)
    return found.account
