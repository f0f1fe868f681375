"""Asking before pending people are ignored, ignoring them, and taking it back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from webapp.core.models.user import IGNORED
from webapp.core.permissions import MANAGE_USERS, Access
from webapp.people.activation import ignore as activation_ignore
from webapp.people.bulk.page import batch_of
from webapp.people.bulk.responses import directory_here, nobody_left, selection_here, shown_stamp
from webapp.people.directory.bulk import ChangedMeanwhile, Done, ListChanged, NobodySelected
from webapp.people.directory.directory import Directory
from webapp.people.directory.selection import Selection, UnknownUsers
from webapp.web.access import requires

bp = Blueprint("ignoring", __name__, url_prefix="/c/<contract>/users")

Answer = str | Response | tuple[str, int]


@bp.route("/ignore", methods=["GET", "POST"])
@requires(MANAGE_USERS)
def ask(contract: str) -> Answer:
    """Asks before anybody is ignored. Changes nothing."""
    return _question(activation_ignore.FROM)


@bp.post("/ignore/confirm")
@requires(MANAGE_USERS)
def ignore(contract: str) -> Answer:
    answer, done = _carried_out(
        activation_ignore.FROM, partial(activation_ignore.ignore, by=current_user.name)
    )
    if done is not None:
        text = f"{_people(done)} ignored now. They are listed under Ignored, where it can be taken back."
        flash(text, "success")
    return answer


@bp.route("/ignored/take-back", methods=["GET", "POST"])
@requires(MANAGE_USERS)
def ask_back(contract: str) -> Answer:
    """Asks before anybody waits again. Changes nothing."""
    return _question(IGNORED)


@bp.post("/ignored/take-back/confirm")
@requires(MANAGE_USERS)
def take_back(contract: str) -> Answer:
    answer, done = _carried_out(IGNORED, activation_ignore.take_back)
    if done is None:
        return answer
    flash(f"{_people(done)} pending again.", "success")
    if len(done.ids) == 1:
        return redirect(url_for("users.show", contract=contract, user=done.ids[0]))
    return redirect(url_for("users.index", contract=contract, status=activation_ignore.FROM, sort="-since"))


def _question(status: str) -> Answer:
    if not {"list", "status"}.intersection(request.values):  # the bare address: nobody was selected
        return redirect(url_for("users.index", contract=g.access.contract.slug, status=status))
    directory = directory_here()
    return _page(selection_here(directory, status), directory)


def _carried_out(status: str, act: Callable[..., Done]) -> tuple[Answer, Done | None]:
    """What was done, with the list it was asked for on as the answer; or what stands in the way."""
    if not FlaskForm().validate_on_submit():
        abort(400)
    access: Access = g.access
    directory = directory_here()
    selection = selection_here(directory, status)
    try:
        done = act(access.contract.id, selection, by_user_id=access.user.id, stamp=shown_stamp())
    except ChangedMeanwhile:
        return _page(selection, directory, 409, refused=True), None
    except ListChanged as change:
        return _page(selection, directory, 409, change=change), None
    except NobodySelected:
        return nobody_left(selection), None
    except UnknownUsers:
        abort(404)
    slug = access.contract.slug
    return redirect(url_for("users.index", contract=slug, **selection.filters.params())), done


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
    name = "ask_back" if selection.filters.status == IGNORED else "ask"
    page = render_template(
        f"ignoring/{name}.html", batch=batch, back_url=batch.list_url(access.contract.slug), problem=problem
    )
    return page, status
