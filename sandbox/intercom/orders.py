"""``/control`` of the Intercom sandbox: its teammates."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, request

from sandbox.control import UNREADABLE, as_json, number, order, streamed
from sandbox.faults import BadOrder
from sandbox.intercom.notices import ADDED, REMOVED, Notices
from sandbox.intercom.records import whole
from sandbox.intercom.workspace import Workspace
from sandbox.parts import Parts
from sandbox.rate_windows import RateWindows
from sandbox.request_log import RequestLog
from sandbox.store import Record

ABOUT = {
    "GET|PUT /control/admins": 'the teammates; put {"admins": [objects as in GET /admins]} in their place',
    "POST /control/admins": "add one, an object as in GET /admins",
    "GET|PATCH|DELETE /control/admins/{id}": 'change fields of one, such as {"name": "New Name"}; remove one',
    "POST /control/generate": 'make teammates, such as {"count": 100000, "seed": 1}',
    "GET|PATCH /control/workspace": 'change it, such as {"id_code": "other1"}: tokens then belong to another workspace',
    "GET|PUT /control/notices": (
        "signed notices about teammates added and removed one at a time: what was sent, newest last; where to, such as "
        '{"url": "http://127.0.0.1:8000/hooks/intercom"}, or {"url": null}'
    ),
    "POST /control/reset": "the default teammates, no faults, no notices, no requests, the real time; tokens stay",
}
MOST = 1_000_000


class _Admins(msgspec.Struct):
    admins: list[msgspec.Raw]


def blueprint(
    parts: Parts, log: RequestLog, windows: RateWindows, workspace: Workspace, notices: Notices
) -> Blueprint:
    bp = Blueprint("orders", __name__, url_prefix="/control")

    @bp.get("/admins")
    def admins() -> Response:
        return streamed(b'{"admins":[', map(whole, workspace.all()))

    @bp.put("/admins")
    def replace() -> Response:
        try:
            given = msgspec.json.decode(request.get_data(cache=False), type=_Admins).admins
            count = workspace.replace(given)
        except UNREADABLE as error:
            raise BadOrder(f'send {{"admins": [objects as in GET /admins]}}: {error}.') from error
        return as_json({"count": count})

    @bp.post("/admins")
    def add() -> Response:
        added = workspace.add(order())
        notices.tell(ADDED, added)
        return shown(added, 201)

    @bp.get("/admins/<admin_id>")
    def one(admin_id: str) -> Response:
        record = workspace.one(admin_id)
        return shown(record) if record else unknown(admin_id)

    @bp.patch("/admins/<admin_id>")
    def change(admin_id: str) -> Response:
        changed = workspace.change(admin_id, order())
        return shown(changed) if changed else unknown(admin_id)

    @bp.delete("/admins/<admin_id>")
    def remove(admin_id: str) -> Response:
        removed = workspace.remove(admin_id)
        notices.tell(REMOVED, removed)
        return Response(status=204) if removed else unknown(admin_id)

    @bp.post("/generate")
    def generate() -> Response:
        given = order()
        count = int(number(given, "count", 0, MOST))
        return as_json({"count": workspace.generate(count, int(number(given, "seed", 0, 2**31, 1)))})

    @bp.get("/workspace")
    def app() -> Response:
        return as_json(workspace.app())

    @bp.patch("/workspace")
    def change_app() -> Response:
        return as_json(workspace.change_app(order()))

    @bp.post("/reset")
    def reset() -> Response:
        notices.reset()
        parts.faults.clear()
        parts.clock.reset()
        windows.reset()
        log.clear()
        return as_json({"count": workspace.reset()})

    return bp


def shown(record: Record, status: int = 200) -> Response:
    return Response(whole(record), status, content_type="application/json")


def unknown(admin_id: str) -> Response:
    return as_json({"error": f"there is no admin {admin_id}."}, 404)
