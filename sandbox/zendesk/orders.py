"""``/control`` of the Zendesk sandbox: the users of each account."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, abort, request

from sandbox.control import UNREADABLE, as_json, number, order, streamed
from sandbox.faults import BadOrder
from sandbox.parts import Parts
from sandbox.rate_windows import RateWindows
from sandbox.request_log import RequestLog
from sandbox.zendesk.accounts import SUBDOMAINS, Accounts

ABOUT = {
    "accounts": ", ".join(SUBDOMAINS),
    "GET|PUT /control/{subdomain}/users": 'the users; put {"users": [objects as in GET /api/v2/users]} in their place',
    "PATCH|DELETE /control/{subdomain}/users/{id}": (
        'change fields of one, such as {"name": "New Name"}, {"role": "end-user"} or {"suspended": true}; remove one'
    ),
    "POST /control/{subdomain}/generate": 'make agents, such as {"count": 1000, "seed": 1}',
    "POST /control/reset": "the default agents everywhere, no faults, no requests, the real time; tokens stay",
}
MOST = 1_000_000


class _Users(msgspec.Struct):
    users: list[msgspec.Raw]


def blueprint(parts: Parts, log: RequestLog, windows: RateWindows, accounts: Accounts) -> Blueprint:
    bp = Blueprint("orders", __name__, url_prefix="/control")

    @bp.url_value_preprocessor
    def known(_endpoint: str | None, values: dict[str, str] | None) -> None:
        if values and values.get("subdomain", next(iter(SUBDOMAINS))) not in SUBDOMAINS:
            abort(404)

    @bp.get("/<subdomain>/users")
    def users(subdomain: str) -> Response:
        return streamed(b'{"users":[', (record.body for record in accounts.all(subdomain)))

    @bp.put("/<subdomain>/users")
    def replace(subdomain: str) -> Response:
        try:
            given = msgspec.json.decode(request.get_data(cache=False), type=_Users).users
            count = accounts.replace(subdomain, given)
        except UNREADABLE as error:
            raise BadOrder(f'send {{"users": [objects as in GET /api/v2/users]}}: {error}.') from error
        return as_json({"count": count})

    @bp.patch("/<subdomain>/users/<int:user_id>")
    def change(subdomain: str, user_id: int) -> Response:
        changed = accounts.change(subdomain, str(user_id), order())
        if changed is None:
            return as_json({"error": f"there is no user {user_id}."}, 404)
        return Response(changed, content_type="application/json")

    @bp.delete("/<subdomain>/users/<int:user_id>")
    def remove(subdomain: str, user_id: int) -> Response:
        if not accounts.remove(subdomain, str(user_id)):
            return as_json({"error": f"there is no user {user_id}."}, 404)
        return Response(status=204)

    @bp.post("/<subdomain>/generate")
    def generate(subdomain: str) -> Response:
        given = order()
        count = int(number(given, "count", 0, MOST))
        made = accounts.generate(subdomain, count, int(number(given, "seed", 0, 2**31, 1)))
        return as_json({"count": made})

    @bp.post("/reset")
    def reset() -> Response:
        parts.faults.clear()
        parts.clock.reset()
        windows.reset()
        log.clear()
        return as_json({subdomain: accounts.reset(subdomain) for subdomain in SUBDOMAINS})

    return bp
