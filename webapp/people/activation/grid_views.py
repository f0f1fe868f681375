"""The grid in which each person of a batch gets roles and a team of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from webapp.core.models import db
from webapp.core.permissions import MANAGE_USERS, Access
from webapp.people.activation import activate as activating
from webapp.people.activation.grid import (
    MOST,
    GridRow,
    check,
    fill_down,
    read_rows,
    suggest_for,
    use_suggestions,
)
from webapp.people.activation.grid_traits import suggestions
from webapp.people.activation.grid_words import filled_in, why
from webapp.people.bulk.audit_details import set_up_in_words
from webapp.people.bulk.licence_forecast import forecast
from webapp.people.bulk.page import Batch, batch_of
from webapp.people.bulk.responses import (
    directory_here,
    giver_here,
    nobody_left,
    selection_here,
    what_was_done,
)
from webapp.people.directory.bulk import ChangedMeanwhile, ListChanged, NobodySelected
from webapp.people.directory.counts import status_counts
from webapp.people.directory.directory import Directory
from webapp.people.directory.rows import rows_of
from webapp.people.directory.selection import MAX_KEPT, Selection, UnknownUsers, pack, still, unpack
from webapp.people.directory.setup import beyond
from webapp.people.invitations.status import how_many
from webapp.web.access import requires

bp = Blueprint("activation_grid", __name__, url_prefix="/c/<contract>/users/activate/each")

Answer = str | Response | tuple[str, int]

UNCONFIRMED = "Tick the box to confirm that you have checked each row."


@dataclass(frozen=True)
class Grid:
    """The batch of those in the grid, a row for each, and who follows them, by ID; ``beyond`` come after that."""

    batch: Batch
    rows: list[GridRow]
    following: list[int]
    beyond: int


@bp.route("", methods=["GET", "POST"])
@requires(MANAGE_USERS)
def index(contract: str) -> Answer:
    """The rows as typed, and with what is suggested when that was asked for. Changes nothing."""
    if not {"list", "status"}.intersection(request.values):  # the bare address: nobody was selected
        return redirect(url_for("users.index", contract=contract, status=activating.FROM[0]))
    directory = directory_here()
    grid = _read(selection_here(directory, *activating.FROM), directory)
    return _page(grid, directory, use=request.form.get("use"))


@bp.post("/confirm")
@requires(MANAGE_USERS)
def activate(contract: str) -> Answer:
    access: Access = g.access
    directory = directory_here()
    selection = selection_here(directory, *activating.FROM)
    grid = _read(selection, directory)
    if not grid.rows:
        return nobody_left(selection, grid.batch)
    complete = check(grid.rows, directory, giver_here(directory))
    if not complete or not request.form.get("confirm"):
        problem = {} if request.form.get("confirm") else {"confirm": UNCONFIRMED}
        return _page(grid, directory, 422, **problem)
    try:
        done = activating.activate_each(
            access.contract.id,
            grid.batch.selection,
            {row.user.id: row.set_up for row in grid.rows if row.set_up is not None},
            by_user_id=access.user.id,
            invite=bool(request.form.get("invite")),
        )
    except (activating.LicencesExceeded, ChangedMeanwhile):
        return _page(_read(selection, directory), directory, 409, refused=True)
    except ListChanged as change:
        return _page(grid, directory, 409, change=change)
    except (activating.NotInContract, activating.SetUpIncomplete, activating.Beyond):
        directory = directory_here()
        check(grid.rows, directory, giver_here(directory))
        return _page(grid, directory, 409, choices_changed=True)
    except NobodySelected:
        return nobody_left(selection)
    except UnknownUsers:
        abort(404)
    filters = selection.filters
    answer = what_was_done(done, "active", "active now, each as you set them up", "left", filters)
    following = still(db.session(), access.contract.id, filters.status, grid.following)
    if not following:
        return answer
    return redirect(
        url_for(".index", contract=contract, list=urlencode(filters.params()), kept=pack(following))
    )


def _read(selection: Selection, directory: Directory) -> Grid:
    """The first :data:`MOST` people of the selection, one by one, their rows as typed, and who follows them."""
    session = db.session()
    try:
        whole = batch_of(selection, directory)
        following = unpack(request.form.get("following", ""))
    except UnknownUsers:
        abort(404)
    ids = whole.ids[:MOST]
    if selection.everyone or len(ids) < len(whole.ids):
        selection = Selection(selection.filters, ids=tuple(sorted(ids)))
    batch = replace(whole, selection=selection, ids=ids)
    named = whole.people[: len(ids)]  # of everybody on a list the batch names the first few only
    people = named if len(named) == len(ids) else rows_of(session, ids, directory)
    return Grid(
        batch,
        read_rows(people, request.form),
        whole.ids[MOST : MOST + MAX_KEPT] or following,
        len(whole.ids[MOST + MAX_KEPT :]),
    )


def _page(
    grid: Grid, directory: Directory, status: int = 200, *, use: str | None = None, **problem: Any
) -> Answer:
    """The grid with suggestions; ``use`` says what to fill in: what is above, or which suggestions."""
    access: Access = g.access
    batch, rows = grid.batch, grid.rows
    if not rows:
        return nobody_left(batch.selection, batch)
    ids = [row.user.id for row in rows]
    suggest_for(rows, suggestions(db.session(), ids, directory, giver_here(directory)))
    if use == "above":
        problem["filled"] = filled_in(fill_down(rows), above=True)
    elif use is not None:
        problem["filled"] = filled_in(use_suggestions(rows, use, directory), above=False)
    used = status_counts(access.contract.id)["active"]
    bought = access.contract.licences
    page = render_template(
        "activation_grid/index.html",
        batch=batch,
        rows=rows,
        most=MOST,
        following=len(grid.following),
        following_packed=pack(grid.following),
        beyond=grid.beyond,
        roles=directory.roles,
        not_yours={role.id for role in beyond(directory.role_by_id, access.permissions, directory)},
        places=directory.open_teams,
        bought=bought,
        used=used,
        forecast=forecast(
            db.session(),
            access.contract.id,
            ids,
            bought=bought,
            used=used,
            status=batch.selection.filters.status,
        ),
        in_words=lambda set_up: set_up_in_words(set_up, directory),
        why=why,
        invitable=how_many(db.session(), access.contract.id, batch.ids),
        invite=bool(request.form.get("invite")),
        confirmed=bool(request.form.get("confirm")),
        back_url=batch.list_url(access.contract.slug),
        problem=problem,
    )
    return page, status
