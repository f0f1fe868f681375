"""Asking before pending people are ignored, ignoring them, and taking it back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from webapp.access import MANAGE_USERS, Access, requires
from webapp.ignoring import parking
from webapp.models.user import IGNORED
from webapp.users.asked import directory_here, nobody_left, selection_here, shown_stamp
from webapp.users.batch import ChangedMeanwhile, Done, ListChanged, NobodySelected
from webapp.users.batches import batch_of
from webapp.users.directory import Directory
from webapp.users.selection import Selection, UnknownUsers

bp = Blueprint("ignoring", __name__, url_prefix="/c/<contract>/users")

Answer = str | Response | tuple[str, int]


@bp.route("/ignore", methods=["GET", "POST"])
@requires(MANAGE_USERS)
def ask(contract: str) -> Answer:
    """Asks before anybody is ignored. Changes nothing."""
    if not {"list", "status"}.intersection(request.values):  # the bare address: nobody was selected
        return redirect(url_for("users.index", contract=contract, status=parking.FROM))
    directory = directory_here()
    return _page(selection_here(directory, parking.FROM), directory)


@bp.post("/ignore/confirm")
@requires(MANAGE_USERS)
def ignore(contract: str) -> Answer:
    _check_token()
    directory = directory_here()
    selection = selection_here(directory, parking.FROM)
    access: Access = g.access
    try:
        done = parking.ignore(
            access.contract.id,
            selection,
            by=current_user.name,
            by_user_id=access.user.id,
            stamp=shown_stamp(),
        )
    except ChangedMeanwhile:
        return _page(selection, directory, 409, refused=True)
    except ListChanged as change:
        return _page(selection, directory, 409, change=change)
    except NobodySelected:
        return nobody_left(selection)
    except UnknownUsers:
        abort(404)
    flash(
        f"{_people(done)} ignored now. They are listed under Ignored, where it can be taken back.", "success"
    )
    return redirect(url_for("users.index", contract=contract, status=parking.FROM))


@bp.post("/ignored/take-back")
@requires(MANAGE_USERS)
def take_back(contract: str) -> Answer:
    _check_token()
    selection = selection_here(directory_here(), IGNORED)
    access: Access = g.access
    try:
        done = parking.take_back(access.contract.id, selection, by_user_id=access.user.id)
    except ChangedMeanwhile:
        flash(
            "Some of them are not ignored any more. Nothing was changed; look at the list again.", "warning"
        )
        return redirect(url_for("users.index", contract=contract, status=IGNORED))
    except NobodySelected:
        return nobody_left(selection)
    except UnknownUsers:
        abort(404)
    flash(f"{_people(done)} pending again.", "success")
    if len(done.ids) == 1:
        return redirect(url_for("users.show", contract=contract, user=done.ids[0]))
    return redirect(url_for("users.index", contract=contract, status=parking.FROM, sort="-since"))


def _check_token() -> None:
    if not FlaskForm().validate_on_submit():
        abort(400)


def _people(done: Done) -> str:
    return f"{done.names[0]} is" if len(done.ids) == 1 else f"{len(done.ids):,} people are"


def _page(selection: Selection, directory: Directory, status: int = 200, **problem: Any) -> Answer:
    access: Access = g.access
    try:
        batch = batch_of(selection, directory)
    except UnknownUsers:
        abort(404)
    if not batch.ids:
        return nobody_left(selection, batch)
    page = render_template(
        "ignoring/ask.html", batch=batch, back_url=batch.list_url(access.contract.slug), problem=problem
    )
    return page, status
