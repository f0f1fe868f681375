"""What the logs know of a web request: its reference, and who asked from where."""

from __future__ import annotations

from flask import Flask, Response, g, has_app_context, has_request_context, request
from flask_login import current_user
from structlog.contextvars import clear_contextvars

from webapp.core.audit.acting import NOBODY, Acting, look_at
from webapp.core.logs.context import bind, new_reference


def init_app(app: Flask) -> None:
    """Give each request an ID; it is the reference that error pages show and every record of the request carries.

    The audit log learns from here who acts.
    """
    look_at(_acting)

    @app.before_request
    def _name_request() -> None:
        clear_contextvars()
        g.request_id = new_reference()
        bind(request=g.request_id)

    @app.after_request
    def _tell(response: Response) -> Response:
        if "request_id" in g:
            response.headers["X-Request-Id"] = g.request_id
        response.call_on_close(clear_contextvars)  # once the body is sent and gunicorn has written its line
        return response


def client_address() -> str:
    """The address the request came from, as we or our own proxy see it (never what a client says)."""
    return request.remote_addr or ""


def _acting() -> Acting:
    if not has_request_context():
        return Acting(request_id=g.get("request_id")) if has_app_context() else NOBODY
    signed_in = current_user.is_authenticated
    return Acting(
        account_id=current_user.id if signed_in else None,
        name=current_user.name if signed_in else NOBODY.name,
        address=client_address(),
        request_id=g.get("request_id"),
    )
