"""What the Leavers page shows: which lists there are, their counts, and when the people were seen last."""

from __future__ import annotations

from typing import Any

from flask import request, url_for

from webapp.core.models import db
from webapp.core.permissions import INTEGRATIONS, MANAGE_INTEGRATIONS, VIEW_SYNC_STATUS, Access
from webapp.people.directory.counts import status_counts
from webapp.people.directory.directory import Directory
from webapp.people.directory.due_query import Due, of_contract
from webapp.people.directory.filters import ANY, Filters
from webapp.people.directory.query import count_of
from webapp.people.leavers.last_seen import last_sights
from webapp.people.leavers.rule import rule_of
from webapp.people.users.list_page import list_context, tabs_of
from webapp.platforms.registry import PLATFORMS

LISTS = (
    ("nowhere", "active", "Hold a licence"),
    ("nowhere", "pending", "Pending"),
    ("nowhere", "inactive", "Inactive"),
    ("elsewhere", "active", "Still on another platform"),
    ("back", "inactive", "Back again"),
    ("due", "active", "Due now"),
)


def leavers_context(access: Access, filters: Filters, directory: Directory) -> dict[str, Any]:
    """Everything the page needs, for the page of the list that the request asks for."""
    contract = access.contract
    rule = rule_of(contract.id)
    due = of_contract(db.session(), contract.id) if rule else None
    counts = _counts(directory, due)
    context = list_context(access, filters, directory)
    rows = context["rows"]
    may_set = access.may(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
    return context | {
        "tab_list": tabs_of(
            contract.slug,
            filters,
            status_counts(contract.id),
            counts["nowhere", "active"],
            leavers_shown=True,
        ),
        "pill_list": _pills(contract.slug, filters, counts, directory, due),
        "filter_fields": _filter_fields(filters, directory),
        "gone": filters.gone,
        "sights": last_sights(db.session(), [row.id for row in rows]),
        "empty": None if context["page"].total else ("filtered" if _narrowed(filters) else "nobody"),
        "rule": rule,
        "due": due,
        "rule_url": url_for("leavers.rule", contract=contract.slug) if may_set else None,
        "may_see_runs": access.may(VIEW_SYNC_STATUS, MANAGE_INTEGRATIONS, feature=INTEGRATIONS),
        "synced": bool(directory.integrations),
    }


def _counts(directory: Directory, due: Due | None) -> dict[tuple[str, str], int]:
    session = db.session()
    counts = {
        (gone, status): count_of(session, Filters(status=status, gone=gone), directory)
        for gone, status, _ in LISTS
        if gone != "due"
    }
    return counts | {("due", "active"): len(due.ids) if due else 0}


def _pills(
    slug: str,
    filters: Filters,
    counts: dict[tuple[str, str], int],
    directory: Directory,
    due: Due | None,
) -> list[dict[str, Any]]:
    """The lists to choose from. One that can never hold anybody here is left out."""
    shown = []
    for gone, status, label in LISTS:
        current = (gone, status) == (filters.gone, filters.status)
        possible = {"elsewhere": len(directory.integrations) > 1, "due": due is not None}.get(gone, True)
        if possible or current:
            shown.append(
                {
                    "label": label,
                    "count": counts[gone, status],
                    "current": current,
                    "url": url_for(
                        "leavers.index", contract=slug, gone=gone, status=status, q=filters.q or None
                    ),
                }
            )
    return shown


def _filter_fields(filters: Filters, directory: Directory) -> list[dict[str, Any]]:
    if len(directory.integrations) < 2 or filters.gone == "back":
        return []
    options = [("", "Any platform"), *((key, PLATFORMS[key].label) for key in directory.integrations)]
    value = "" if filters.missing == ANY else filters.missing
    return [{"name": "missing", "label": "Gone from", "options": options, "value": value}]


def _narrowed(filters: Filters) -> bool:
    return any((filters.q, filters.platform, filters.missing, filters.team, filters.role))


def asked() -> dict[str, str]:
    """The parameters of the request; without a list, those who hold a licence, the longest gone first."""
    return {"gone": "nowhere", "sort": "gone"} | request.args.to_dict()
