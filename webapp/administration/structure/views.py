"""The Structure pages: the tree of teams, one team, and archiving it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from webapp.administration.structure import service
from webapp.administration.structure.forms import (
    GONE,
    TOP_CHOICE,
    AddForm,
    ArchiveForm,
    MoveForm,
    RenameForm,
    places,
)
from webapp.administration.structure.queries import STATES, counts_of, row_of, rows_of
from webapp.administration.structure.tree import StructureRefused, Tree
from webapp.administration.transaction import ShownBefore, stamp_of
from webapp.core.models import db
from webapp.core.names import tidied
from webapp.core.numbers import id_in
from webapp.core.permissions import MANAGE_STRUCTURE, MANAGE_USERS, Access
from webapp.people.directory.bulk import names_of
from webapp.web.access import requires
from webapp.web.forms import SelectChoice
from webapp.web.paging import page_of

bp = Blueprint("structure", __name__, url_prefix="/c/<contract>/structure")

Answer = Response | str | tuple[str, int]
NAMES_SHOWN = 25
ROWS = 100  # teams on a page, unless asked for otherwise


# ------------------------------------------------------------------ the tree
@bp.get("")
@requires(MANAGE_STRUCTURE)
def index(contract: str) -> str:
    return _index_page()


@bp.post("")
@requires(MANAGE_STRUCTURE)
def add(contract: str) -> Answer:
    """Add a team. ``from`` is the team on whose page the form was."""
    tree = _tree()
    form = AddForm()
    form.parent.choices = places(tree, list(tree), TOP_CHOICE)
    if not form.validate_on_submit():
        form.parent.errors = [GONE] if form.parent.errors else []
        return _add_again(tree, form), 422
    try:
        service.add(_contract_id(), form.name.data or "", form.parent.data, by_user_id=_user_id())
    except StructureRefused as refused:
        form.refuse(refused.field, str(refused))
        return _add_again(_tree(), form), 422
    where = "at the top level" if form.parent.data is None else f"below {tree.node(form.parent.data).name}"
    flash(f"{tidied(form.name.data)} is added {where}.", "success")
    if form.parent.data is not None and request.form.get("from"):
        return redirect(url_for(".show", contract=contract, team_id=form.parent.data))
    return redirect(url_for(".index", contract=contract))


def _add_again(tree: Tree, form: AddForm) -> str:
    form.parent.choices = places(tree, tree.open_places(), TOP_CHOICE)
    came_from = next((node.id for node in tree if str(node.id) == request.form.get("from")), None)
    return _index_page(form) if came_from is None else _team_page(came_from, add=form)


def _index_page(form: AddForm | None = None) -> str:
    tree = _tree()
    state = request.args.get("state", "")
    state = state if state in STATES else STATES[0]
    q = request.args.get("q", "").strip()[:200]
    rows = rows_of(tree, counts_of(db.session(), _contract_id(), tree), q=q, state=state)
    page = page_of(len(rows), ROWS)
    if form is None:
        form = AddForm(formdata=None)
        form.parent.choices = places(tree, tree.open_places(), TOP_CHOICE)
        tops = [node for node in tree.children(None) if not tree.is_archived(node.id)]
        form.parent.data = tops[0].id if len(tops) == 1 else None
    return render_template(
        "structure/index.html",
        rows=rows[page.offset : page.last],
        page=page,
        q=q,
        state=state,
        form=form,
        total=len(tree),
        archived=sum(tree.is_archived(node.id) for node in tree),
    )


# ------------------------------------------------------------------ one team
@bp.get("/<int:team_id>")
@requires(MANAGE_STRUCTURE)
def show(contract: str, team_id: int) -> str:
    return _team_page(team_id)


@bp.post("/<int:team_id>/rename")
@requires(MANAGE_STRUCTURE)
def rename(contract: str, team_id: int) -> Answer:
    _known(_tree(), team_id)
    form = RenameForm()
    form.validate_on_submit()
    try:
        changed = service.rename(
            _contract_id(), team_id, form.name.data or "", was=form.was.data or "", by_user_id=_user_id()
        )
    except StructureRefused as refused:
        form.refuse(refused.field, str(refused))
        return _team_page(team_id, rename=form), 422
    except service.ChangedMeanwhile as change:
        form.refuse("name", f"Somebody named it {change.now} meanwhile. Rename again to replace that.")
        form.was.data = change.now
        return _team_page(team_id, rename=form), 409
    flash("The team is renamed." if changed else "Nothing was changed.", "success" if changed else "info")
    return redirect(url_for(".show", contract=contract, team_id=team_id))


@bp.post("/<int:team_id>/move")
@requires(MANAGE_STRUCTURE)
def move(contract: str, team_id: int) -> Answer:
    tree = _tree()
    _known(tree, team_id)
    form = MoveForm()
    form.parent.choices = places(tree, list(tree), TOP_CHOICE)
    if not form.validate_on_submit():
        form.parent.errors = [GONE]
        return _team_page(team_id, move=form), 422
    try:
        changed = service.move(
            _contract_id(),
            team_id,
            form.parent.data,
            was=id_in(form.was.data),
            by_user_id=_user_id(),
        )
    except StructureRefused as refused:
        form.refuse(refused.field, str(refused))
        return _team_page(team_id, move=form), 422
    except service.ChangedMeanwhile as change:
        form.refuse("parent", f"Somebody moved it to {change.now} meanwhile. Move again to replace that.")
        form.was.data = str(_tree().node(team_id).parent_id or "")
        return _team_page(team_id, move=form), 409
    flash(
        "The team is moved, with all below it." if changed else "Nothing was changed.",
        "success" if changed else "info",
    )
    return redirect(url_for(".show", contract=contract, team_id=team_id))


def _team_page(
    team_id: int,
    *,
    rename: RenameForm | None = None,
    move: MoveForm | None = None,
    add: AddForm | None = None,
) -> str:
    tree = _tree()
    node = _known(tree, team_id)
    counts = counts_of(db.session(), _contract_id(), tree)
    here = tree.open_places(team_id)
    move = move or MoveForm(formdata=None, parent=node.parent_id, was=str(node.parent_id or ""))
    move.parent.choices = places(tree, here, TOP_CHOICE)
    if add is None:
        add = AddForm(formdata=None)
        add.parent.data = team_id
    add.name.label.text = "Name of a new team"
    add.parent.choices = [SelectChoice(team_id, node.name)]
    return render_template(
        "structure/show.html",
        team=row_of(tree, counts, team_id),
        trail=tree.above(team_id),
        children=[row_of(tree, counts, child.id) for child in tree.children(team_id)],
        below=len(tree.with_below(team_id)) - 1,
        may_see_people=g.access.may(MANAGE_USERS),
        room=any(place.id == team_id for place in tree.open_places()),
        archived_above=next((one for one in tree.above(team_id) if one.archived), None),
        rename=rename or RenameForm(formdata=None, name=node.name, was=node.name),
        move=move,
        add=add,
    )


# ------------------------------------------------------------------ archiving
@bp.route("/<int:team_id>/archive", methods=["GET", "POST"])
@requires(MANAGE_STRUCTURE)
def archive(contract: str, team_id: int) -> Answer:
    """Ask first, then archive."""
    tree = _tree()
    name = _known(tree, team_id).name
    if request.method != "POST":  # HEAD asks too
        if tree.is_archived(team_id):
            return redirect(url_for(".show", contract=contract, team_id=team_id))
        return _archive_page(tree, team_id, ArchiveForm(formdata=None))
    form = ArchiveForm()
    form.move_to.choices = places(tree, list(tree), "Choose a team")
    if not form.validate_on_submit():
        form.move_to.errors = [GONE]
        return _archive_page(tree, team_id, form), 422
    try:
        moved = service.archive(
            _contract_id(),
            team_id,
            move_to=form.move_to.data,
            by_user_id=_user_id(),
            shown=form.shown.data or "",
        )
    except ShownBefore:
        return _archive_page(_tree(), team_id, form, changed=True), 409
    except service.PeopleThere:
        form.refuse("move_to", "Choose where the people go who are in it.")
        return _archive_page(_tree(), team_id, form), 422
    except StructureRefused as refused:
        form.refuse(refused.field, str(refused))
        return _archive_page(_tree(), team_id, form), 422
    people = (
        f" {'1 person is' if moved == 1 else f'{moved:,} people are'} in another team now." if moved else ""
    )
    flash(f"{name} is archived.{people}", "success")
    return redirect(url_for(".show", contract=contract, team_id=team_id))


@bp.post("/<int:team_id>/bring-back")
@requires(MANAGE_STRUCTURE)
def bring_back(contract: str, team_id: int) -> Answer:
    _known(_tree(), team_id)
    try:
        changed = service.bring_back(_contract_id(), team_id, by_user_id=_user_id())
    except StructureRefused as refused:
        flash(str(refused), "error")
    else:
        flash("The team is back." if changed else "Nothing was changed.", "success" if changed else "info")
    return redirect(url_for(".show", contract=contract, team_id=team_id))


def _archive_page(tree: Tree, team_id: int, form: ArchiveForm, *, changed: bool = False) -> str:
    """``changed``: other people or teams are in it than were shown before."""
    access: Access = g.access
    whole = tree.with_below(team_id)
    people = service.people_in(db.session(), access.contract.id, whole)
    stays = tree.left_without(whole)
    form.move_to.choices = places(tree, stays, "Choose a team")
    form.shown.data = stamp_of(whole, people)
    may_move = access.may(MANAGE_USERS)
    return render_template(
        "structure/archive.html",
        form=form,
        team=row_of(tree, counts_of(db.session(), access.contract.id, tree), team_id),
        trail=tree.above(team_id),
        changed=changed,
        below=len(whole) - 1,
        people=len(people),
        names=names_of(db.session(), access.contract.id, people, NAMES_SHOWN) if may_move else [],
        may_move=may_move,
        stays_open=stays,
    )


# ------------------------------------------------------------------ common
def _contract_id() -> int:
    return int(g.access.contract.id)


def _user_id() -> int:
    access: Access = g.access
    return access.user.id


def _tree() -> Tree:
    return service.tree_of(db.session(), _contract_id())


def _known(tree: Tree, team_id: int) -> Any:
    """The team, or 404."""
    try:
        return tree.node(team_id)
    except LookupError:
        abort(404)
