"""What the log knows of a web request: its reference, and who asked from where."""

from __future__ import annotations

from flask import Flask, Response, g, request
from structlog.contextvars import clear_contextvars

from webapp.core.logs.context import bind, new_reference


def init_app(app: Flask) -> None:
    """Give each request an ID; it is the reference that error pages show and every record of the request carries."""

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
