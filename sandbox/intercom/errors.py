"""Intercom's error envelope ("Error codes")."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from flask import Response

from sandbox.control import as_json

CODES = {
    400: ("bad_request", "Bad request"),
    401: ("unauthorized", "Access Token Invalid"),
    403: ("forbidden", "You do not have the required scope (read_admins) to access this resource"),
    404: ("not_found", "Resource Not Found"),
    406: ("client_error", "Not acceptable"),
    408: ("request_timeout", "Request timed out"),
    500: ("server_error", "Server error"),
    502: ("service_unavailable", "Bad gateway"),
    503: ("service_unavailable", "Sorry, the API service is temporarily unavailable"),
    504: ("service_unavailable", "Gateway timeout"),
}


def problem(
    status: int, code: str | None = None, message: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """An ``error.list`` with one error."""
    usual = CODES.get(status, ("client_error", "The request failed"))
    answer = as_json(
        {
            "type": "error.list",
            "request_id": str(uuid.uuid4()),
            "errors": [{"code": code or usual[0], "message": message or usual[1]}],
        },
        status,
    )
    answer.headers.extend(headers or {})
    return answer
