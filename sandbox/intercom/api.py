"""``/me``, ``/admins`` and ``/admins/{id}``: authentication, versions, rate limits, faults."""

from __future__ import annotations

import math
from typing import Any

import msgspec
from flask import Blueprint, Response, g, request

from sandbox.control import as_json, streamed
from sandbox.faults import Fault
from sandbox.grants import Token
from sandbox.intercom.errors import problem
from sandbox.intercom.workspace import ID_CODE, NAME, OWNER, Workspace
from sandbox.parts import Parts
from sandbox.rate_windows import Allowance, RateWindows
from sandbox.spoiled import spoil, truncated
from sandbox.store import Record

VERSIONS = ("1.0", "1.1", "1.2", "1.3", "1.4", *(f"2.{minor}" for minor in range(17)))
NEWEST = "2.16"
SINCE = {"role": (2, 16), "away_status_reason_id": (2, 14)}  # fields that older versions do not have
CREATED_AT = 1734537243  # Unix seconds


def blueprint(parts: Parts, windows: RateWindows, workspace: Workspace) -> Blueprint:
    bp = Blueprint("api", __name__)

    bp.before_request(lambda: _check(parts, windows))

    bp.after_request(_finish)

    @bp.get("/me")
    def me() -> Response:
        return as_json(_me(g.token, workspace))

    @bp.get("/admins")
    def admins() -> Response:
        avatar = request.args.get("display_avatar", "false").lower() == "true"
        version = g.version  # the answer is made after the request's context has gone
        shown = (_shown(record, version, avatar) for record in workspace.all())
        return streamed(b'{"type":"admin.list","admins":[', shown)

    @bp.get("/admins/<admin_id>")
    def admin(admin_id: str) -> Response:
        record = workspace.one(admin_id)
        if record is None:
            return problem(404, "admin_not_found", "Admin not found")
        return Response(_shown(record, g.version, avatar=False), content_type="application/json")

    @bp.app_errorhandler(404)
    @bp.app_errorhandler(405)
    def nothing(_error: Exception) -> Response:
        return problem(404)

    return bp


def _check(parts: Parts, windows: RateWindows) -> Response | None:
    """Spoil the answer, or see who asks for which version, before the view is called."""
    g.fault = parts.faults.take(request.path)
    if g.fault is not None:
        spoiled = spoil(g.fault, parts.stopping, lambda fault: _fault_answer(fault, parts, windows))
        if spoiled is not None:
            return spoiled
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    g.token = parts.grants.token(value) if scheme.lower() == "bearer" else None
    if g.token is None:
        return problem(401)
    g.allowance = windows.take((g.token.grant.client_id, g.token.grant.space))
    if not g.allowance.allowed:
        return problem(
            429, "rate_limit_exceeded", f"Exceeded rate limit of {windows.limit} in {windows.seconds}_seconds"
        )
    version = request.headers.get("Intercom-Version") or parts.options.default_version or NEWEST
    if version not in VERSIONS:
        return problem(
            400, "intercom_version_invalid", "Requested resource is not available in current API version."
        )
    g.version = tuple(map(int, version.split(".")))
    return None


def _finish(answer: Response) -> Response:
    """The rate-limit headers of every authenticated answer; a truncated one is cut here."""
    allowance: Allowance | None = g.get("allowance")
    if allowance is not None:
        answer.headers.setdefault("X-RateLimit-Limit", str(allowance.limit))
        answer.headers.setdefault("X-RateLimit-Remaining", str(allowance.remaining))
        answer.headers.setdefault("X-RateLimit-Reset", str(allowance.reset))
    fault: Fault | None = g.get("fault")
    if fault is not None and fault.kind == "truncate" and answer.status_code == 200:
        return truncated(answer)
    return answer


def _shown(record: Record, version: tuple[int, ...], avatar: bool) -> bytes:
    """A teammate as this version of the API shows it."""
    hidden = [name for name, since in SINCE.items() if version < since]
    if not hidden and not (avatar and record.aside):
        return record.body
    admin = msgspec.json.decode(record.body)
    for name in hidden:
        admin.pop(name, None)
    if avatar and record.aside:
        admin["avatar"] = msgspec.Raw(record.aside)
    return msgspec.json.encode(admin)


def _me(token: Token, workspace: Workspace) -> dict[str, Any]:
    """Who allowed the app, and the workspace. Whoever has left since is shown as they were."""
    record = workspace.one(token.grant.person)
    admin = OWNER | (msgspec.json.decode(record.body) if record else {})
    return {
        "type": "admin",
        "id": admin["id"],
        "email": admin.get("email"),
        "name": admin.get("name"),
        "email_verified": True,
        "app": {
            "type": "app",
            "id_code": ID_CODE,
            "name": NAME,
            "created_at": CREATED_AT,
            "secure": False,
            "identity_verification": False,
            "timezone": "Europe/London",
            "region": "US",
        },
        "avatar": {
            "type": "avatar",
            "image_url": "https://static.intercomassets.example/avatars/default.png",
        },
        "has_inbox_seat": bool(admin.get("has_inbox_seat", True)),
    }


def _fault_answer(fault: Fault, parts: Parts, windows: RateWindows) -> Response:
    status = fault.status or 500
    if status != 429:
        headers = {"Retry-After": f"{fault.retry_after:g}"} if fault.retry_after is not None else {}
        return problem(status, fault.code, fault.message, headers)
    reset = math.ceil(parts.clock.now() + (fault.retry_after if fault.retry_after is not None else 1))
    return problem(
        429,
        fault.code or "rate_limit_exceeded",
        fault.message or f"Exceeded rate limit of {windows.limit} in {windows.seconds}_seconds",
        {
            "X-RateLimit-Limit": str(windows.limit),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(reset),
        },
    )
