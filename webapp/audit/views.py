"""The audit log page."""

from __future__ import annotations

from flask import Blueprint, Response, abort, g, render_template, request

from webapp.access import VIEW_AUDIT, requires
from webapp.audit import reading
from webapp.audit.export import Export, note
from webapp.audit.filters import Filters
from webapp.models import db, utcnow
from webapp.platforms.forms import ConfirmForm
from webapp.times import zone_of_request

bp = Blueprint("audit", __name__)


@bp.get("/c/<contract>/audit")
@requires(VIEW_AUDIT)
def index(contract: str) -> str:
    contract_id = g.access.contract.id
    filters = Filters.of(request.args)
    events, page, more = reading.events(contract_id, filters, zone_of_request())
    return render_template(
        "audit/index.html",
        events=events,
        page=page,
        more=more,
        filters=filters,
        actors=reading.actors(contract_id),
        actions=reading.actions(contract_id),
        kinds=reading.kinds(contract_id),
    )


@bp.post("/c/<contract>/audit/export")
@requires(VIEW_AUDIT)
def export(contract: str) -> Response:
    """What the form's filters find, as CSV, sent while it is read."""
    if not ConfirmForm().validate_on_submit():
        abort(400)
    found, filters = g.access.contract, Filters.of(request.form)
    wanted = Export(db.engine, found.id, filters, zone_of_request(), utcnow())
    note(found.id, found.name, filters)
    name = f"{contract}-audit-log{'-part' if filters.params() else ''}.csv"
    return Response(
        wanted.csv(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
