"""The grid in which each person of a batch gets roles and a team of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from webapp.access import MANAGE_USERS, Access, requires
from webapp.activation_grid.grid import MOST, GridRow, check, read_rows, use_suggestions
from webapp.activation_grid.similar import suggestions
from webapp.activation_grid.words import why
from webapp.invitations.standing import how_many
from webapp.models import db
from webapp.users import activation as activating
from webapp.users.asked import directory_here, nobody_left, selection_here, what_was_done
from webapp.users.batch import ChangedMeanwhile, NobodySelected
from webapp.users.batches import Batch, batch_of
from webapp.users.counts import status_counts
from webapp.users.directory import Directory
from webapp.users.forecast import forecast
from webapp.users.rows import rows_of
from webapp.users.selection import Selection, UnknownUsers
from webapp.users.set_up import beyond

bp = Blueprint("activation_grid", __name__, url_prefix="/c/<contract>/users/activate/each")

Answer = str | Response | tuple[str, int]

UNCONFIRMED = "Tick the box to confirm that you have checked each row."


@bp.route("", methods=["GET", "POST"])
@requires(MANAGE_USERS)
def index(contract: str) -> Answer:
    """The rows as typed, and with what is suggested when that was asked for. Changes nothing."""
    if not {"list", "status"}.intersection(request.values):  # the bare address: nobody was selected
        return redirect(url_for("users.index", contract=contract, status=activating.FROM[0]))
    directory = directory_here()
    selection = selection_here(directory, *activating.FROM)
    batch, rows, later = _read(selection, directory)
    if not rows:
        return nobody_left(selection, batch)
    problem: dict[str, Any] = {}
    if "use" in request.form:
        problem["filled"] = use_suggestions(rows, request.form["use"], directory)
    return _page(batch, rows, later, directory, **problem)


@bp.post("/confirm")
@requires(MANAGE_USERS)
def activate(contract: str) -> Answer:
    access: Access = g.access
    directory = directory_here()
    selection = selection_here(directory, *activating.FROM)
    batch, rows, later = _read(selection, directory)
    if not rows:
        return nobody_left(selection, batch)
    complete = check(rows, directory, access.permissions)
    if not complete or not request.form.get("confirm"):
        problem = {} if request.form.get("confirm") else {"confirm": UNCONFIRMED}
        return _page(batch, rows, later, directory, 422, **problem)
    try:
        done = activating.activate_each(
            access.contract.id,
            batch.selection,
            {row.user.id: row.set_up for row in rows if row.set_up is not None},
            by_user_id=access.user.id,
            invite=bool(request.form.get("invite")),
        )
    except (activating.LicencesExceeded, ChangedMeanwhile):
        return _page(batch, rows, later, directory, 409, refused=True)
    except (activating.NotInContract, activating.SetUpIncomplete, activating.RolesBeyond):
        directory = directory_here()
        check(rows, directory, access.permissions)
        return _page(batch, rows, later, directory, 409, choices_changed=True)
    except NobodySelected:
        return nobody_left(selection)
    except UnknownUsers:
        abort(404)
    return what_was_done(done, "active", "active now, each as you set them up", "left")


def _read(selection: Selection, directory: Directory) -> tuple[Batch, list[GridRow], int]:
    """The first :data:`MOST` people of the selection, one by one, their rows as typed, and how many are left over."""
    access: Access = g.access
    session = db.session()
    try:
        whole = batch_of(selection, directory)
    except UnknownUsers:
        abort(404)
    ids = whole.ids[:MOST]
    if selection.everyone or len(ids) < len(whole.ids):
        selection = Selection(selection.filters, ids=tuple(sorted(ids)))
    batch = replace(whole, selection=selection, ids=ids)
    named = whole.people[: len(ids)]  # of everybody on a list the batch names the first few only
    people = named if len(named) == len(ids) else rows_of(session, ids, directory)
    found = suggestions(session, ids, directory, access.permissions)
    return batch, read_rows(people, request.form, directory, found), len(whole.ids) - len(ids)


def _page(
    batch: Batch,
    rows: list[GridRow],
    later: int,
    directory: Directory,
    status: int = 200,
    **problem: Any,
) -> Answer:
    access: Access = g.access
    used = status_counts(access.contract.id)["active"]
    bought = access.contract.licences
    page = render_template(
        "activation_grid/index.html",
        batch=batch,
        rows=rows,
        left_for_later=later,
        roles=directory.roles,
        not_yours={role.id for role in beyond(directory.role_by_id, access.permissions, directory)},
        places=directory.open_teams,
        bought=bought,
        used=used,
        forecast=forecast(
            db.session(),
            access.contract.id,
            [row.user.id for row in rows],
            bought=bought,
            used=used,
            status=batch.selection.filters.status,
        ),
        in_words=lambda set_up: activating.set_up_in_words(set_up, directory),
        why=why,
        invitable=how_many(db.session(), access.contract.id, batch.ids),
        invite=bool(request.form.get("invite")),
        confirmed=bool(request.form.get("confirm")),
        back_url=batch.list_url(access.contract.slug),
        problem=problem,
    )
    return page, status
