"""Taking a list of users away as a file. It is asked for by a form and stands in the audit log."""

from __future__ import annotations

from urllib.parse import parse_qsl

from flask import Blueprint, Response, abort, g, request
from flask_wtf import FlaskForm

from webapp.core.permissions import MANAGE_USERS, Access
from webapp.people.bulk.responses import directory_here
from webapp.people.directory.directory import Directory
from webapp.people.directory.filters import NONE, Filters, read_filters
from webapp.people.users import export as exporting
from webapp.platforms.registry import PLATFORMS
from webapp.web.access import requires
from webapp.web.exports.send import FORMS, file_answer, form_asked

bp = Blueprint("user_export", __name__, url_prefix="/c/<contract>")


@bp.post("/users/export")
@requires(MANAGE_USERS)
def export(contract: str) -> Response:
    """Everybody whom the list in the field ``list`` (the query of its address) matches, in its order."""
    form = form_asked()
    if not FlaskForm().validate_on_submit():
        abort(400)
    access: Access = g.access
    name = access.contract.name
    directory = directory_here()
    filters = read_filters(dict(parse_qsl(request.form.get("list", ""))), directory)
    chosen = {"as": FORMS[form]} | _in_words(filters, directory)
    wanted = exporting.matched(filters, directory)
    part = "-part" if filters.narrowed else ""
    stem = f"{contract}-users-{filters.status}{part}"
    return file_answer(wanted, form, stem, lambda: exporting.note(wanted, name, chosen))


def _in_words(filters: Filters, directory: Directory) -> dict[str, str]:
    """The filters that were set, for the audit log."""
    words = {"status": filters.status, "search": filters.q}
    for label, key in (("platform", filters.platform), ("no longer in", filters.missing)):
        words[label] = PLATFORMS[key].label if key in PLATFORMS else key
    words["gone"] = filters.gone
    if filters.role:
        words["role"] = "none" if filters.role == NONE else directory.role_by_id[int(filters.role)].name
    if filters.team:
        words["team"] = "none" if filters.team == NONE else directory.team_by_id[int(filters.team)].path
    return {label: text for label, text in words.items() if text}
