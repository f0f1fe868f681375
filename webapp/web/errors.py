"""What people see when something is refused or fails, and what the log keeps of it."""

from __future__ import annotations

import logging

import sqlalchemy as sa
from flask import Flask, current_app, g, render_template, request
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from webapp.core.damage import damage_of
from webapp.core.database import let_go
from webapp.core.permissions import Refused, granters
from webapp.web.access import SignInAgain
from webapp.web.exports import beside

log = logging.getLogger(__name__)

# status: (title, what happened and what to do)
MESSAGES: dict[int, tuple[str, str]] = {
    400: (
        "That request could not be read",
        "Something in the address or the form was not as expected. Go back and try again.",
    ),
    403: ("You cannot open this page", "Ask an administrator of this contract for access."),
    404: (
        "Page not found",
        "The address may be mistyped, or what it showed is not yours to see or no longer there.",
    ),
    405: (
        "That is not possible here",
        "This address cannot be opened that way. Go back and use the buttons on the page.",
    ),
    413: (
        "That was too much at once",
        "The form or the file held more than this page accepts. Shorten or split it and send it again.",
    ),
    414: ("That address is too long", "Shorten the search and try again."),
    429: ("Too many tries", "Wait a few minutes, then try again."),
    500: (
        "Something went wrong on our side",
        "Nothing you typed was saved. Try again; if it happens again, tell support the reference below.",
    ),
    503: ("Rollcall cannot reach its database", "Nothing was changed. Try again in a minute."),
}


def init_app(app: Flask) -> None:
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(SignInAgain, _sign_in_again)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(beside.Busy, _long_files)
    for away in (
        sa.exc.OperationalError,
        sa.exc.InterfaceError,
        sa.exc.TimeoutError,
        sa.exc.PendingRollbackError,
    ):
        app.register_error_handler(away, _database_away)
    app.register_error_handler(Exception, _unexpected)


def _page(status: int, **context: object) -> tuple[str, int]:
    title, text = MESSAGES.get(status, MESSAGES[400] if status < 500 else MESSAGES[500])
    told = {"status": status, "title": title, "text": text, "reference": g.get("request_id")} | context
    try:
        return render_template("errors/error.html", **told), status
    except Exception:
        log.exception("the error page itself failed")
    return _bare_page(told), status


def _bare_page(told: dict[str, object]) -> str:
    """A page that asks nothing of the database or the session."""
    return current_app.jinja_env.get_template("errors/bare.html").render(told)


def _refused(error: Refused) -> tuple[str, int]:
    refusal = error.refusal
    _note_denial(f"the {refusal.kind} {refusal.key} is missing")
    names = granters(g.access.contract, refusal.key) if refusal.kind == "permission" else []
    return _page(403, refusal=refusal, granters=names)


def _sign_in_again(error: SignInAgain) -> tuple[str, int]:
    _note_denial("their sign-ins were ended in this contract")
    return _page(
        403,
        title=f"Sign in again to open {error.contract.name}",
        text="Someone who manages users there signed you out everywhere. Nothing was changed, and nothing you typed "
        "was saved.",
        sign_in_again=True,
    )


def _csrf(error: CSRFError) -> tuple[str, int]:
    _note_denial(str(error.description))
    return _page(
        400,
        title="This page was open too long",
        text="For your safety the form has expired, and nothing was changed. Go back, "
        "reload the page and send it again.",
    )


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:  # a redirect raised as an exception
        return error.get_response()
    if status >= 500:
        log.error("answered %s: %s", status, error.description)
    elif status == 404 and current_user.is_authenticated and _hides():
        _note_denial("not theirs to see, or not there")
    body, code = _page(status)
    response = current_app.make_response((body, code))
    if error.response is None and status == 405:
        response.headers["Allow"] = ", ".join(getattr(error, "valid_methods", None) or [])
    return response


def _long_files(busy: beside.Busy) -> tuple[str, int, dict[str, str]]:
    page, status = _page(503, title=busy.title, text=busy.words)
    return page, status, {"Retry-After": str(beside.COME_AGAIN)}


def _hides() -> bool:
    """Whether the address is of something that is not there for who may not see it."""
    return "contract" in (request.view_args or {}) or request.blueprint in ("support", "account")


def _note_denial(reason: str) -> None:
    who = f"account {current_user.id}" if current_user.is_authenticated else "nobody signed in"
    log.warning(
        "denied: %s %s to %s: %s", request.method, request.path, who, reason, extra={"event": "denied"}
    )


def _database_away(error: Exception) -> tuple[str, int, dict[str, str]]:
    damaged = damage_of(error, current_app.extensions["settings"].database_url)
    failed = damaged or "the database failed"
    log.error("%s (at %s %s)", failed, request.method, request.path, exc_info=error)
    let_go()
    title, text = MESSAGES[503]
    page = _bare_page({"status": 503, "title": title, "text": text, "reference": g.get("request_id")})
    return page, 503, {"Retry-After": "30"}


def _unexpected(error: Exception) -> tuple[str, int] | tuple[str, int, dict[str, str]]:
    lost = isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated
    if lost or damage_of(error, current_app.extensions["settings"].database_url):
        return _database_away(error)
    log.error("unhandled error at %s %s", request.method, request.path, exc_info=error)
    let_go()
    return _page(500)
