"""Sync status of all contracts, for platform-wide support: how syncs do, and nothing about people.

Looking is not audited, as the page asks again by itself; a sync that is started is, in the contract it is of.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from webapp.core.models import db, utcnow
from webapp.core.permissions import may_sync_anywhere
from webapp.integrations.runs.processes import processes
from webapp.integrations.support import fleet, starting
from webapp.queue import wake
from webapp.sync.schedule.schedule import Requester
from webapp.sync.schedule.status import BY_URGENCY, NEEDS_ATTENTION
from webapp.web.access import supports, supports_and_syncs
from webapp.web.paging import page_of, url_with
from webapp.web.return_url import own_path

bp = Blueprint("support", __name__, url_prefix="/support/sync-status")

ATTENTION, ALL = "attention", "all"
LABELS = {
    "broken": "Broken",
    "overdue": "Overdue",
    "held": "Held",
    "failing": "Failing",
    "late": "Late",
    "first": "Waiting for first",
    "on_time": "On time",
    "paused": "Paused",
    "off": "Off",
    "not_connected": "Not connected",
}


@bp.get("")
@supports
def index() -> str:
    return render_template("support/index.html", **_page(), panel_url=_panel_url())


@bp.get("/panel")
@supports
def panel() -> str:
    """The figures and the list alone, for polling."""
    g.page_endpoint = "support.index"
    return render_template("support/_fleet.html", **_page())


@bp.post("/<int:integration_id>/sync-now")
@supports_and_syncs
def sync_now(integration_id: int) -> Response:
    if not FlaskForm().validate_on_submit():
        abort(400)
    back = redirect(own_path(request.form.get("back")) or url_for(".index"), 303)
    try:
        started = starting.sync_now(integration_id, Requester(current_user.id, current_user.name))
    except starting.NoSuchConnection:
        abort(404)
    except starting.CannotSync as reason:
        flash(str(reason), "error")
        return back
    run = started.requested.run
    text = f"{started.label} of {started.contract}: "
    text += "a run was going on already." if started.requested.joined else "a run has started."
    if not started.requested.joined and not wake.wake_soon(run.id, run.attempt):
        text += " It begins as soon as the queue is reachable again; you need not do anything."
    flash(text, "success")
    return back


def _page() -> dict[str, Any]:
    now = utcnow()
    q = request.args.get("q", "").strip()[:200]
    health = request.args.get("health", ATTENTION)
    if health not in (*LABELS, ALL):
        health = ATTENTION
    standings = {ATTENTION: NEEDS_ATTENTION, ALL: BY_URGENCY}.get(health, (health,))
    session = db.session()
    counts = fleet.counts(session, now, q)
    page = page_of(sum(counts[word] for word in standings))
    return {
        **processes(now),
        "pills": _pills(counts, health),
        "rows": fleet.rows(session, now, standings, q, limit=page.size, offset=page.offset)
        if page.total
        else [],
        "labels": LABELS,
        "page": page,
        "q": q,
        "health": health,
        "known": sum(counts.values()),
        "may_sync": may_sync_anywhere(current_user),
        "back": url_with(page=page.number if page.number > 1 else None),
    }


def _pills(counts: dict[str, int], health: str) -> list[dict[str, Any]]:
    groups = {
        ATTENTION: ("Needs attention", sum(counts[word] for word in NEEDS_ATTENTION)),
        ALL: ("All", sum(counts.values())),
    } | {word: (label, counts[word]) for word, label in LABELS.items()}
    return [
        {
            "label": label,
            "count": count,
            "url": url_with(health=None if key == ATTENTION else key),
            "current": key == health,
        }
        for key, (label, count) in groups.items()
        if count or key in (ATTENTION, ALL, health)
    ]


def _panel_url() -> str:
    query = request.query_string.decode("ascii", "replace")
    return url_for(".panel") + (f"?{query}" if query else "")
