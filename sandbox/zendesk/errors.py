"""Zendesk's errors, in the several forms in which they come ("Requests", "OAuth")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from sandbox.control import as_json

INVALID_TOKEN = {
    "error": "invalid_token",
    "error_description": (
        "The access token provided is expired, revoked, malformed or invalid for other reasons."
    ),
}
BODIES: dict[int, dict[str, Any]] = {
    401: INVALID_TOKEN,
    403: {"error": "Forbidden", "description": "Missing the following required scopes: read"},
    404: {"error": "RecordNotFound", "description": "Not found"},
    429: {
        "error": "APIRateLimitExceeded",
        "description": "Number of allowed API requests per minute exceeded",
    },
    500: {"error": "InternalError", "description": "Something went wrong"},
    503: {"error": "ServiceUnavailable", "description": "Try again later"},
}
NO_ACCOUNT = "<!doctype html><title>Help desk not found</title><p>There is no help desk configured at this address.</p>"


def problem(
    status: int, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    answer = as_json(
        dict(body or BODIES.get(status, {"error": "Error", "description": "The request failed"})), status
    )
    answer.headers.extend(headers or {})
    return answer


def no_account() -> Response:
    return Response(NO_ACCOUNT, 404, content_type="text/html; charset=utf-8")
