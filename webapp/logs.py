"""Logging: one line a record, line breaks and control characters escaped, with the request's or run's id."""

from __future__ import annotations

import logging
import sys
import unicodedata
import uuid
from datetime import UTC, datetime

from flask import Flask, Response, g, has_app_context, has_request_context, request


class OneLine(logging.Formatter):
    """``2026-11-23T08:10:00.123Z WARNING webapp.auth [reference] message``, always one line."""

    def format(self, record: logging.LogRecord) -> str:
        moment = (
            datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z")
        )
        reference = g.get("request_id", "-") if has_app_context() else "-"
        text = record.getMessage()
        if record.exc_info:
            text += " | " + self.formatException(record.exc_info)
        return f"{moment} {record.levelname} {record.name} [{reference}] {escape(text)}"


def escape(text: str) -> str:
    """``text`` without anything that could start a new line or drive a terminal."""
    return "".join(
        char if unicodedata.category(char)[0] != "C" and char not in "\u2028\u2029" else ascii(char)[1:-1]
        for char in text
    )


def init_logging(level: str = "INFO") -> None:
    """Send every record to standard error, one line each. Libraries below WARNING stay quiet."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("webapp").setLevel(level)


def init_app(app: Flask) -> None:
    """Give each request an id; it is the reference number that error pages show."""

    @app.before_request
    def _name_request() -> None:
        g.request_id = new_reference()

    @app.after_request
    def _tell(response: Response) -> Response:
        if has_request_context() and "request_id" in g:
            response.headers["X-Request-Id"] = g.request_id
        return response


def new_reference() -> str:
    """A short reference for people to quote, such as ``7F3A-91BC``."""
    text = uuid.uuid4().hex[:8].upper()
    return f"{text[:4]}-{text[4:]}"


def client_address() -> str:
    """The address the request came from, as we or our own proxy see it (never what a client says)."""
    return request.remote_addr or ""
