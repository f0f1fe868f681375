"""The pages of recent activations, and undoing one."""

from __future__ import annotations

from flask import Blueprint, abort, flash, g, redirect, render_template, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from webapp.core.models import Activation, db
from webapp.core.permissions import MANAGE_USERS, Access
from webapp.people.activation import queries
from webapp.people.activation import undo as activation_undo
from webapp.people.activation.undo_checks import Reasons, people_of, why_not
from webapp.people.bulk.licence_forecast import of_licences
from webapp.people.directory.directory import directory_of
from webapp.people.directory.rows import rows_of
from webapp.web.access import requires
from webapp.web.paging import page_of

bp = Blueprint("activations", __name__, url_prefix="/c/<contract>/users/activations")

NAMED = 25  # people on the page of one activation


@bp.get("")
@requires(MANAGE_USERS)
def index(contract: str) -> str:
    contract_id = g.access.contract.id
    directory = directory_of(db.session(), contract_id)
    page = page_of(queries.count(db.session(), contract_id))
    rows = [
        (made, queries.given_in(made, directory))
        for made in queries.newest(db.session(), contract_id, page.size, page.offset)
    ]
    return render_template("activations/index.html", rows=rows, page=page)


@bp.get("/<int:activation_id>")
@requires(MANAGE_USERS)
def show(contract: str, activation_id: int) -> str:
    """Who was activated with what, and whether that can be undone. Changes nothing."""
    return _page(activation_id)


@bp.post("/<int:activation_id>/undo")
@requires(MANAGE_USERS)
def undo(contract: str, activation_id: int) -> str | Response | tuple[str, int]:
    if not FlaskForm().validate_on_submit():
        abort(400)
    access: Access = g.access
    try:
        done = activation_undo.undo(
            access.contract.id, activation_id, by=current_user.name, by_user_id=access.user.id
        )
    except LookupError:
        abort(404)
    except activation_undo.UndoneBefore:
        flash("This activation was undone already. Nothing was changed.", "warning")
        return redirect(url_for(".show", contract=contract, activation_id=activation_id))
    except activation_undo.CannotUndo as refused:
        return _page(activation_id, refused=refused.reasons), 409
    made = db.session.get_one(Activation, activation_id)
    people = f"{done.names[0]} is" if len(done.ids) == 1 else f"{len(done.ids):,} people are"
    flash(
        f"{people} {made.before_status} again. {of_licences(done.free, done.bought)} free.",
        "success",
    )
    return redirect(url_for("users.index", contract=contract, status=made.before_status))


def _page(activation_id: int, *, refused: Reasons | None = None) -> str:
    """``refused``: who stood in the way of undoing it just now; they are not looked for again."""
    access: Access = g.access
    session = db.session()
    made = session.get(Activation, activation_id)
    if made is None or made.contract_id != access.contract.id:
        abort(404)
    directory = directory_of(session, access.contract.id)
    ids = people_of(made)
    reasons = refused or {}
    if refused is None and made.undone_at is None:
        reasons = why_not(session, made, directory, by_user_id=access.user.id, permissions=access.permissions)
    in_the_way = rows_of(session, sorted(reasons)[:NAMED], directory)
    return render_template(
        "activations/show.html",
        made=made,
        given=queries.given_in(made, directory),
        people=rows_of(session, ids[:NAMED], directory),
        more=max(len(ids) - NAMED, 0),
        reasons=[(user, reasons[user.id]) for user in in_the_way],
        reasons_count=len(reasons),
        refused=refused is not None,
    )
