"""The audit log page."""

from __future__ import annotations

from flask import Blueprint, g, render_template, request

from webapp.access import VIEW_AUDIT, requires
from webapp.audit import reading

bp = Blueprint("audit", __name__)


@bp.get("/c/<contract>/audit")
@requires(VIEW_AUDIT)
def index(contract: str) -> str:
    contract_id = g.access.contract.id
    filters = reading.Filters(
        q=request.args.get("q", "").strip()[:200],
        actor=request.args.get("actor", "")[:255],
        action=request.args.get("action", "")[:60],
    )
    events, page = reading.events(contract_id, filters)
    return render_template(
        "audit/index.html",
        events=events,
        page=page,
        q=filters.q,
        actor=filters.actor,
        action=filters.action,
        actors=reading.actors(contract_id),
        actions=reading.actions(contract_id),
    )
