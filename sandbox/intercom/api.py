"""``/me``, ``/admins``, ``/admins/{id}`` and ``/auth/uninstall``: authentication, versions, rate limits, faults."""

from __future__ import annotations

import math
import time
from typing import Any

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException

from sandbox.control import as_json, streamed
from sandbox.faults import Fault
from sandbox.grants import Token
from sandbox.intercom.errors import problem
from sandbox.intercom.records import NEWEST, VERSIONS, fields_of, served
from sandbox.intercom.teammates import OWNER
from sandbox.intercom.workspace import Workspace
from sandbox.parts import Parts
from sandbox.rate_windows import Allowance, RateWindows
from sandbox.spoiled import spoil, truncated

DEFAULT_AVATAR = "https://static.intercomassets.example/avatars/default.png"
OURS = ("/control", "/healthz", "/static")  # what Intercom does not have: no fault happens there


def blueprint(parts: Parts, windows: RateWindows, workspace: Workspace) -> Blueprint:
    bp = Blueprint("api", __name__)

    bp.before_app_request(lambda: _spoil(parts, windows))

    bp.before_request(lambda: _check(parts, windows))

    bp.after_app_request(_finish)

    @bp.get("/me")
    def me() -> Response:
        return as_json(_me(g.token, workspace))

    @bp.get("/admins")
    def admins() -> Response:
        avatar = request.args.get("display_avatar", "false").lower() == "true"
        version = g.version  # the answer is made after the request's context has gone
        shown = (served(record, version, avatar=avatar) for record in workspace.all())
        return streamed(b'{"type":"admin.list","admins":[', shown)

    @bp.get("/admins/<admin_id>")
    def admin(admin_id: str) -> Response:
        record = workspace.one(admin_id)
        if record is None:
            return problem(404, "admin_not_found", "Admin not found")
        return Response(served(record, g.version, avatar=False), content_type="application/json")

    @bp.post("/auth/uninstall")
    def uninstall() -> Response:
        """What Intercom's answer holds is not documented."""
        parts.grants.revoke_client(g.token.grant.client_id, g.token.grant.space)
        return as_json({})

    @bp.route("/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def nothing(**_: str) -> Response:
        """An unknown resource, or a method that a resource does not have."""
        return problem(404)

    @bp.app_errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        return problem(error.code or 500)

    return bp


def _spoil(parts: Parts, windows: RateWindows) -> Response | None:
    """The answer of the fault that was ordered for this path, if any."""
    if request.path.startswith(OURS):
        return None
    g.fault = parts.faults.take(request.path)
    if g.fault is None:
        return None
    return spoil(g.fault, parts.stopping, parts.grants, lambda fault: _fault_answer(fault, windows))


def _check(parts: Parts, windows: RateWindows) -> Response | None:
    """See who asks for which version, before the view is called."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    g.token = parts.grants.token(value, parts.clock.now()) if scheme.lower() == "bearer" else None
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
    if "Accept" in request.headers and not request.accept_mimetypes.accept_json:
        return problem(406)
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


def _me(token: Token, workspace: Workspace) -> dict[str, Any]:
    """Who allowed the app, and the workspace. Whoever has left since is shown as they were."""
    record = workspace.one(token.grant.person)
    admin = fields_of(record) if record else OWNER
    return {
        "type": "admin",
        "id": admin["id"],
        **{name: admin[name] for name in ("email", "name") if admin.get(name) is not None},
        "email_verified": True,
        "app": workspace.app(),
        "avatar": {"type": "avatar", "image_url": admin.get("avatar") or DEFAULT_AVATAR},
        "has_inbox_seat": admin.get("has_inbox_seat", True),
    }


def _fault_answer(fault: Fault, windows: RateWindows) -> Response:
    status = fault.status or 500
    if status != 429:
        headers = {"Retry-After": f"{fault.retry_after:g}"} if fault.retry_after is not None else {}
        return problem(status, fault.code, fault.message, headers)
    reset = math.ceil(time.time() + (fault.retry_after if fault.retry_after is not None else 1))
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
