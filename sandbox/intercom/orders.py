"""``/control`` of the Intercom sandbox: its teammates."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, request

from sandbox.control import as_json, number, order, streamed
from sandbox.faults import BadOrder
from sandbox.intercom.workspace import Workspace
from sandbox.parts import Parts
from sandbox.rate_windows import RateWindows
from sandbox.request_log import RequestLog

ABOUT = {
    "GET|PUT /control/admins": 'the teammates; put {"admins": [objects as in GET /admins]} in their place',
    "PATCH|DELETE /control/admins/{id}": 'change fields of one, such as {"name": "New Name"}; remove one',
    "POST /control/generate": 'make teammates, such as {"count": 100000, "seed": 1}',
    "POST /control/reset": "the default teammates, no faults, no requests, the real time; tokens stay",
}
MOST = 1_000_000


class _Admins(msgspec.Struct):
    admins: list[msgspec.Raw]


def blueprint(parts: Parts, log: RequestLog, windows: RateWindows, workspace: Workspace) -> Blueprint:
    bp = Blueprint("orders", __name__, url_prefix="/control")

    @bp.get("/admins")
    def admins() -> Response:
        return streamed(b'{"admins":[', (record.body for record in workspace.all()))

    @bp.put("/admins")
    def replace() -> Response:
        try:
            given = msgspec.json.decode(request.get_data(cache=False), type=_Admins).admins
        except msgspec.DecodeError as error:
            raise BadOrder(f'send {{"admins": [objects as in GET /admins]}}: {error}.') from error
        return as_json({"count": workspace.replace(given)})

    @bp.patch("/admins/<admin_id>")
    def change(admin_id: str) -> Response:
        changed = workspace.change(admin_id, order())
        if changed is None:
            return as_json({"error": f"there is no admin {admin_id}."}, 404)
        return Response(changed, content_type="application/json")

    @bp.delete("/admins/<admin_id>")
    def remove(admin_id: str) -> Response:
        if not workspace.remove(admin_id):
            return as_json({"error": f"there is no admin {admin_id}."}, 404)
        return Response(status=204)

    @bp.post("/generate")
    def generate() -> Response:
        given = order()
        count = int(number(given, "count", 0, MOST))
        return as_json({"count": workspace.generate(count, int(number(given, "seed", 0, 2**31, 1)))})

    @bp.post("/reset")
    def reset() -> Response:
        parts.faults.clear()
        parts.clock.reset()
        windows.reset()
        log.clear()
        return as_json({"count": workspace.reset()})

    return bp
