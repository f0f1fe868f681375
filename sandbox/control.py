"""The control interface that every sandbox has: faults, requests, clock. JSON, on the platform's own port."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from flask import Blueprint, Flask, Response, abort, request

from sandbox.faults import MEANINGS, BadOrder
from sandbox.parts import Parts
from sandbox.rate_windows import RateWindows
from sandbox.request_log import RequestLog
from sandbox.streaming import joined

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # what decoding a body may raise


def as_json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, content_type="application/json")


def streamed(before: bytes, items: Iterable[bytes], after: bytes = b"]}") -> Response:
    """A JSON answer of any length."""
    return Response(joined(before, items, after), content_type="application/json")


def order() -> Any:
    """The JSON object that was sent; an empty body is an empty object. Raises :class:`BadOrder`."""
    body = request.get_data(cache=False)
    if not body:
        return {}
    try:
        value = msgspec.json.decode(body)
    except UNREADABLE as error:
        raise BadOrder(f"the body is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise BadOrder("the body must be a JSON object.")
    return value


def number(given: dict[str, Any], name: str, low: float, high: float, default: float | None = None) -> float:
    """``given[name]`` within bounds. Raises :class:`BadOrder`."""
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise BadOrder(f"{name} must be a number from {low:,} to {high:,}.")
    return value


def common(parts: Parts, log: RequestLog, windows: RateWindows, about: dict[str, str]) -> Blueprint:
    """The part of ``/control`` that knows no platform. ``about`` describes the rest: call to what it does."""
    bp = Blueprint("control", __name__, url_prefix="/control")

    @bp.get("")
    def describe() -> Response:
        calls = about | {
            "GET|DELETE /control/requests": "what the sandbox was asked, newest last; forget it",
            "GET|POST|DELETE /control/faults": (
                "faults that wait; order one, such as "
                '{"path": "/admins", "kind": "status", "status": 429, "times": 2, "retry_after": 1}; drop them all'
            ),
            "POST /control/clock": 'move the clock, such as {"advance": 600} (seconds); codes expire by it',
            "POST /control/rate-limit": 'calls a window, such as {"limit": 5}; {} sets the usual one',
        }
        return as_json({"calls": calls, "kinds of faults": MEANINGS})

    @bp.get("/requests")
    def requests() -> Response:
        return as_json({"requests": log.all()})

    @bp.delete("/requests")
    def forget_requests() -> Response:
        log.clear()
        return Response(status=204)

    @bp.get("/faults")
    def faults() -> Response:
        return as_json({"faults": parts.faults.all()})

    @bp.post("/faults")
    def add_fault() -> Response:
        fault = parts.faults.add(order())
        if fault.kind == "revoke" and fault.skip == 0:
            parts.faults.remove(fault)
            parts.grants.revoke_all()
        return as_json(fault, 201)

    @bp.delete("/faults")
    def clear_faults() -> Response:
        parts.faults.clear()
        return Response(status=204)

    @bp.post("/clock")
    def clock() -> Response:
        return as_json({"ahead": parts.clock.advance(number(order(), "advance", 0, 10**9))})

    @bp.post("/rate-limit")
    def rate_limit() -> Response:
        given = order()
        windows.reset(int(number(given, "limit", 0, 10**9)) if given else None)
        return as_json({"limit": windows.limit, "seconds": windows.seconds})

    @bp.route("/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def no_such_call(path: str) -> Response:
        return as_json(
            {"error": f"there is no {request.method} /control/{path}; GET /control lists all."}, 404
        )

    return bp


def init_app(app: Flask, log: RequestLog) -> None:
    """Log what is asked of the platform, word bad orders, and answer ``/healthz``."""

    @app.before_request
    def _from_our_own_pages() -> None:
        """A page of another site may not make a browser give orders or consent; programs send no Origin."""
        origin = request.headers.get("Origin")
        if request.method not in ("GET", "HEAD") and origin not in (None, request.host_url.rstrip("/")):
            abort(403)

    @app.before_request
    def _log() -> None:
        if not request.path.startswith(("/control", "/healthz", "/static")):
            log.add(request)

    @app.errorhandler(BadOrder)
    def _bad_order(error: BadOrder) -> Response:
        return as_json({"error": str(error)}, 400)

    @app.get("/healthz")
    def healthz() -> Response:
        return as_json({"status": "ok"})
