"""``/api/v2``: users in pages, who am I, custom roles, tokens; with and without ``.json``."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, TypeVar

import msgspec
from flask import Blueprint, Response, g, request

from sandbox.control import as_json
from sandbox.faults import Fault
from sandbox.grants import Token
from sandbox.parts import Parts
from sandbox.rate_windows import Allowance, RateWindows
from sandbox.spoiled import spoil, truncated
from sandbox.store import Record
from sandbox.zendesk.accounts import ROLES, SUBDOMAINS, Accounts
from sandbox.zendesk.errors import no_account, problem

MOST = 100  # records on a page
DEEPEST = 100  # pages by offset
ANONYMOUS = {"id": None, "name": "Anonymous user", "email": "invalid@example.com", "role": "end-user"}


View = TypeVar("View", bound=Callable[..., Response])


def blueprint(parts: Parts, windows: RateWindows, accounts: Accounts) -> Blueprint:
    bp = Blueprint("api", __name__, url_prefix="/<subdomain>/api/v2")
    bp.before_request(lambda: _check(parts, windows))
    bp.after_request(_finish)
    bp.app_errorhandler(404)(_nothing)
    bp.app_errorhandler(405)(_nothing)
    _add_users(bp, accounts)
    _add_the_rest(bp, parts, accounts)
    return bp


def _both(bp: Blueprint, path: str, **options: Any) -> Callable[[View], View]:
    """``path`` with and without ``.json``."""

    def add(view: View) -> View:
        for ending in ("", ".json"):
            bp.add_url_rule(f"{path}{ending}", f"{view.__name__}{len(ending)}", view, **options)
        return view

    return add


def _add_users(bp: Blueprint, accounts: Accounts) -> None:
    @_both(bp, "/users")
    def users(subdomain: str) -> Response:
        if "page[size]" in request.args or "page[after]" in request.args:
            return _cursor_page(subdomain, accounts)
        return _offset_page(subdomain, accounts)

    @_both(bp, "/users/<int:user_id>")
    def user(subdomain: str, user_id: int) -> Response:
        record = accounts.one(subdomain, str(user_id))
        return problem(404) if record is None else as_json({"user": msgspec.Raw(record.body)})

    @_both(bp, "/users/show_many")
    def show_many(subdomain: str) -> Response:
        ids = [part for part in request.args.get("ids", "").split(",") if part.isdigit()][:MOST]
        found = [record for one in ids if (record := accounts.one(subdomain, one))]
        return as_json({"users": [msgspec.Raw(record.body) for record in found], "count": len(found)})

    @_both(bp, "/deleted_users")
    def deleted_users(subdomain: str) -> Response:
        gone = [one for one in _decoded(accounts.all(subdomain)) if one.get("active") is False]
        return as_json({"deleted_users": gone, "count": len(gone)})


def _add_the_rest(bp: Blueprint, parts: Parts, accounts: Accounts) -> None:
    @_both(bp, "/users/me")
    def me(subdomain: str) -> Response:
        if g.token is None:
            return as_json({"user": ANONYMOUS})
        return as_json({"user": accounts.owner(subdomain) | {"authenticity_token": "sandbox"}})

    @_both(bp, "/custom_roles")
    def custom_roles(subdomain: str) -> Response:  # noqa: ARG001 - a view takes every part of its address
        return as_json({"custom_roles": [_role(id_, name) for id_, name in ROLES.items()]})

    @_both(bp, "/oauth/tokens/current", methods=["GET", "DELETE"])
    def current_token(subdomain: str) -> Response:  # noqa: ARG001 - a view takes every part of its address
        token: Token = g.token
        if request.method == "DELETE":
            parts.grants.revoke(token.number)
            return Response(status=204)
        scopes = token.grant.scope.split()
        return as_json({"token": {"id": token.number, "user_id": int(token.grant.person), "scopes": scopes}})


def _nothing(_error: Exception) -> Response:
    return problem(404, {"error": "InvalidEndpoint", "description": "Not found"})


def _check(parts: Parts, windows: RateWindows) -> Response | None:
    """Spoil the answer, or see who asks, before the view is called."""
    subdomain = (request.view_args or {}).get("subdomain", "")
    if subdomain not in SUBDOMAINS:
        return no_account()
    g.token = None
    g.fault = parts.faults.take(request.path, request.path.removeprefix(f"/{subdomain}"))
    if g.fault is not None:
        spoiled = spoil(g.fault, parts.stopping, parts.grants, _fault_answer)
        if spoiled is not None:
            return spoiled
    g.allowance = windows.take(subdomain)
    if not g.allowance.allowed:
        wait = max(1, int(g.allowance.reset - parts.clock.now()))
        return problem(429, headers={"Retry-After": str(wait)})
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        g.token = parts.grants.token(value, parts.clock.now())
        if g.token is None or g.token.grant.space != subdomain:
            return problem(401)
    elif not request.path.removesuffix(".json").endswith("/users/me"):
        return problem(401, {"error": "Couldn't authenticate you"})
    if g.token is not None and not {"users:read", "read"} & set(g.token.grant.scope.split()):
        return problem(403)
    return None


def _finish(answer: Response) -> Response:
    """The rate-limit headers of every answer; a truncated one is cut here."""
    allowance: Allowance | None = g.get("allowance")
    if allowance is not None:
        answer.headers["X-Rate-Limit"] = str(allowance.limit)
        answer.headers["X-Rate-Limit-Remaining"] = str(allowance.remaining)
        answer.headers["ratelimit-limit"] = str(allowance.limit)
        answer.headers["ratelimit-remaining"] = str(allowance.remaining)
    fault: Fault | None = g.get("fault")
    if fault is not None and fault.kind == "truncate" and answer.status_code == 200:
        return truncated(answer)
    return answer


def _fault_answer(fault: Fault) -> Response:
    body = None
    if fault.code or fault.message:
        body = {"error": fault.code or "Error", "description": fault.message or "The request failed"}
    retry = {} if fault.retry_after is None else {"Retry-After": f"{fault.retry_after:g}"}
    return problem(fault.status or 500, body, retry)


def _cursor_page(subdomain: str, accounts: Accounts) -> Response:
    size = min(max(_number("page[size]", MOST), 1), MOST)
    after = _position(request.args.get("page[after]"))
    if after is None:
        return problem(400, {"errors": [{"code": "InvalidCursor", "title": "Invalid cursor"}]})
    found = list(islice(_matching(subdomain, accounts, after), size + 1))
    shown = found[:size]
    fault: Fault | None = g.get("fault")
    circling = fault is not None and fault.kind == "repeat-cursor"
    cursor = _cursor(0 if circling else shown[-1][0]) if shown else None
    return as_json(
        {
            "users": [msgspec.Raw(record.body) for _, record in shown],
            "meta": {
                "has_more": circling or len(found) > size,
                "after_cursor": cursor,
                "before_cursor": _cursor(after) if shown else None,
            },
            "links": {"prev": None, "next": f"{request.base_url}?page[size]={size}&page[after]={cursor}"},
        }
    )


def _matching(subdomain: str, accounts: Accounts, after: int) -> Iterator[tuple[int, Record]]:
    """The users behind a position that the filters let through, each with its position."""
    while rows := accounts.page(subdomain, after, MOST):
        for position, record in rows:
            if _wanted(msgspec.json.decode(record.body)):
                yield position, record
        after = rows[-1][0]


def _offset_page(subdomain: str, accounts: Accounts) -> Response:
    size = min(max(_number("per_page", MOST), 1), MOST)
    number = max(_number("page", 1), 1)
    if number > DEEPEST:
        return problem(
            400, {"errors": [{"code": "InvalidPaginationDepth", "title": "Page is too deep", "detail": ""}]}
        )
    matching = [one for one in _decoded(accounts.all(subdomain)) if _wanted(one)]
    shown = matching[(number - 1) * size : number * size]
    more = number * size < len(matching)
    return as_json(
        {
            "users": shown,
            "count": len(matching),
            "next_page": f"{request.base_url}?page={number + 1}" if more else None,
            "previous_page": f"{request.base_url}?page={number - 1}" if number > 1 else None,
        }
    )


def _wanted(user: dict[str, Any]) -> bool:
    """Whether the filters of the request let the user through; those who were deleted are never listed."""
    if user.get("active") is False:
        return False
    roles = request.args.getlist("role[]") or request.args.getlist("role")
    if roles and user.get("role") not in roles:
        return False
    if "permission_set" in request.args and str(user.get("custom_role_id")) != request.args["permission_set"]:
        return False
    wanted = request.args.get("external_id")
    return wanted is None or str(user.get("external_id") or "").lower() == wanted.lower()


def _decoded(records: Iterator[Record]) -> Iterator[dict[str, Any]]:
    for record in records:
        yield msgspec.json.decode(record.body)


def _role(id_: int, name: str) -> dict[str, Any]:
    light = name == "Light agent"
    return {
        "id": id_,
        "name": name,
        "description": "",
        "role_type": 1 if light else 0,
        "team_member_count": 0,
        "created_at": "2021-03-04T09:15:00Z",
        "updated_at": "2021-03-04T09:15:00Z",
        "configuration": {"light_agent": light},
    }


def _number(name: str, default: int) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(f"after:{position}".encode()).decode()


def _position(cursor: str | None) -> int | None:
    """The position behind which to go on; -1 for the beginning, ``None`` for a cursor that is none of ours."""
    if cursor is None:
        return -1
    try:
        word, _, number = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
        return int(number) if word == "after" else None
    except (binascii.Error, ValueError):
        return None
