"""What the list of users shows: tabs, filters, rows, and who is kept as selected on other pages."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import request, url_for

from webapp.core.models import Integration, UserSync, db
from webapp.core.models.user import IGNORED
from webapp.core.permissions import INTEGRATIONS, MANAGE_INTEGRATIONS, Access
from webapp.people.directory.counts import status_counts
from webapp.people.directory.directory import Directory
from webapp.people.directory.filters import ANY, NONE, Filters
from webapp.people.directory.query import count_of, page_of_users
from webapp.people.directory.rows import rows_of
from webapp.people.directory.selection import UnknownUsers, pack, still, unpack
from webapp.people.merges.queries import open_count as doubles_count
from webapp.platforms.registry import PLATFORMS

TABS = (("active", "Active"), ("inactive", "Inactive"), ("pending", "Pending"), (IGNORED, "Ignored"))
GONE_ACTIVE = Filters(status="active", gone="nowhere")
INDENT = "\u2003"


def list_context(access: Access, filters: Filters, directory: Directory) -> dict[str, Any]:
    """Everything the list needs, for the page that the request asks for."""
    counts = status_counts(access.contract.id)
    ids, page = page_of_users(filters, directory)
    kept = _kept(access.contract.id, filters.status)
    everyone = request.args.get("select") == "all" and page.total > 0
    elsewhere = set() if everyone else kept - set(ids)
    return {
        "status": filters.status,
        "filters": filters,
        "tab_list": tabs_of(
            access.contract.slug, filters, counts, count_of(db.session(), GONE_ACTIVE, directory)
        ),
        "filter_fields": _filter_fields(filters, directory),
        "rows": rows_of(db.session(), ids, directory),
        "page": page,
        "everyone": everyone,
        "ticked": set(ids) if everyone else kept,
        "elsewhere": len(elsewhere),
        "hidden": {
            "list": urlencode(filters.params() | {"page": page.number, "per_page": page.size}),
            "kept": pack(elsewhere),
            "shown": pack(ids) if everyone else "",
        },
        "list_query": urlencode(filters.params()),
        "doubles": doubles_count(access.contract.id),
        "licences": access.contract.licences,
        "licences_used": counts["active"],
        "empty": None if page.total else _why_empty(access, filters),
    }


def _kept(contract_id: int, status: str) -> set[int]:
    """The users that the address keeps as selected, as far as they are still on this tab."""
    try:
        wanted = unpack(request.args.get("keep", ""))
    except UnknownUsers:
        return set()
    return set(still(db.session(), contract_id, status, wanted))


def tabs_of(
    slug: str, filters: Filters, counts: dict[str, int], leavers: int, *, leavers_shown: bool = False
) -> list[dict[str, Any]]:
    """The tabs of the Users pages: a status each, and the leavers, counted as those who hold a licence."""
    tabs = [
        {
            "label": label,
            "count": f"{counts[status]:,}",
            "current": status == filters.status and not leavers_shown,
            "url": url_for("users.index", contract=slug, status=status, q=filters.q or None),
        }
        for status, label in TABS
        if status != IGNORED or counts[IGNORED] or filters.status == IGNORED  # seldom, so out of the way
    ]
    return [
        *tabs,
        {
            "label": "Leavers",
            "count": f"{leavers:,}",
            "current": leavers_shown,
            "url": url_for("leavers.index", contract=slug),
        },
    ]


def _filter_fields(filters: Filters, directory: Directory) -> list[dict[str, Any]]:
    """The drop-downs. Teams and roles are those of active users, so only their tab offers them."""
    platforms = [(key, PLATFORMS[key].label) for key in directory.integrations]
    fields: list[dict[str, Any]] = []
    if platforms:
        fields.append(_field("platform", "Platform", [("", "Any platform"), *platforms], filters.platform))
    if filters.status == "active" or filters.team:
        teams = [
            (team.id, INDENT * team.depth + team.name + (" (archived)" if team.archived else ""))
            for team in directory.teams
            if not team.archived or str(team.id) == filters.team
        ]
        fields.append(_field("team", "Team", [("", "Any team"), (NONE, "No team"), *teams], filters.team))
    if filters.status == "active" or filters.role:
        roles = [(role.id, role.name) for role in directory.roles]
        fields.append(_field("role", "Role", [("", "Any role"), (NONE, "No role"), *roles], filters.role))
    if platforms:
        gone = [(key, f"No longer in {label}") for key, label in platforms]
        if len(gone) > 1:
            gone.append((ANY, "No longer in one of them"))
        either = f"In {platforms[0][1] if len(platforms) == 1 else 'their platform'} or not"
        fields.append(_field("missing", "Still there", [("", either), *gone], filters.missing))
    return fields


def _field(name: str, label: str, options: list[tuple[Any, str]], value: str) -> dict[str, Any]:
    return {"name": name, "label": label, "options": options, "value": value}


def _why_empty(access: Access, filters: Filters) -> dict[str, Any]:
    """Why the list is empty, in words, with the next step for those who may take it."""
    if filters.narrowed:
        return {"kind": "filtered"}
    if filters.status != "pending":
        return {"kind": filters.status}
    synced = db.session.scalar(
        sa.select(Integration.platform)
        .join(UserSync, UserSync.integration_id == Integration.id)
        .where(Integration.contract_id == access.contract.id, UserSync.enabled)
        .order_by(Integration.id)
        .limit(1)
    )
    if synced in PLATFORMS:
        return {"kind": "pending_synced", "platform": PLATFORMS[synced]}
    may = access.may(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
    url = url_for("platforms.index", contract=access.contract.slug) if may else None
    return {"kind": "pending_unsynced", "platforms_url": url}
