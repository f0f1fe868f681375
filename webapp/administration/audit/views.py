"""The audit log page."""

from __future__ import annotations

from flask import Blueprint, Response, abort, g, render_template, request, url_for

from webapp.administration.audit import queries
from webapp.administration.audit.export import Export, note
from webapp.administration.audit.filters import Filters
from webapp.core.audit.links import Place
from webapp.core.audit.words import action_label, kind_label, with_chosen
from webapp.core.models import utcnow
from webapp.core.permissions import (
    INTEGRATIONS,
    MANAGE_INTEGRATIONS,
    MANAGE_ROLES,
    MANAGE_STRUCTURE,
    MANAGE_USERS,
    VIEW_AUDIT,
    VIEW_SYNC_STATUS,
    Access,
)
from webapp.web.access import requires
from webapp.web.confirm_form import ConfirmForm
from webapp.web.exports.send import FORMS, file_answer, form_asked
from webapp.web.times import zone_of_request

bp = Blueprint("audit", __name__)

# kind of a place: its page, what the ID is called there, who may open it, and what has to be on
PAGES: dict[str, tuple[str, str, tuple[str, ...], str | None]] = {
    "user": ("users.show", "user", (MANAGE_USERS,), None),
    "activation": ("activations.show", "activation_id", (MANAGE_USERS,), None),
    "role": ("roles.edit", "role_id", (MANAGE_ROLES,), None),
    "team": ("structure.show", "team_id", (MANAGE_STRUCTURE,), None),
    "run": ("sync_status.run", "run_id", (VIEW_SYNC_STATUS, MANAGE_INTEGRATIONS), INTEGRATIONS),
}


@bp.get("/c/<contract>/audit")
@requires(VIEW_AUDIT)
def index(contract: str) -> str:
    contract_id = g.access.contract.id
    filters = Filters.of(request.args)
    events, page, more = queries.events(contract_id, filters, zone_of_request())
    return render_template(
        "audit/index.html",
        events=events,
        page=page,
        more=more,
        filters=filters,
        url_of=_url_of,
        actors=with_chosen(queries.actors(contract_id), filters.actor, filters.actor),
        actions=with_chosen(queries.actions(contract_id), filters.action, action_label(filters.action)),
        kinds=with_chosen(queries.kinds(contract_id), filters.kind, kind_label(filters.kind)),
    )


def _url_of(place: Place | None) -> str | None:
    """The page of a place, for who may open it."""
    access: Access = g.access
    if place is None:
        return None
    endpoint, argument, permissions, feature = PAGES[place[0]]
    if not access.may(*permissions, feature=feature):
        return None
    return url_for(endpoint, contract=access.contract.slug, **{argument: place[1]})  # type: ignore[arg-type]


@bp.post("/c/<contract>/audit/export")
@requires(VIEW_AUDIT)
def export(contract: str) -> Response:
    """What the form's filters find, as the file that it asks for."""
    form = form_asked()
    if not ConfirmForm().validate_on_submit():
        abort(400)
    found, filters = g.access.contract, Filters.of(request.form)
    contract_id, name = found.id, found.name
    wanted = Export(contract_id, filters, zone_of_request(), utcnow())
    stem = f"{contract}-audit-log{'-part' if filters.params() else ''}"
    return file_answer(wanted, form, stem, lambda: note(contract_id, name, filters, FORMS[form]))
