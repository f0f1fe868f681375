"""The Roles pages: the matrix, one role, and deleting it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.administration.roles import service
from webapp.administration.roles.forms import DeleteForm, RoleForm
from webapp.administration.roles.queries import RoleRow, last_change, people_with, role_of, roles_of
from webapp.administration.roles.service import RoleChanged, RoleRefused, Wanted
from webapp.administration.roles.words import PERMISSION_TEXTS, differences
from webapp.administration.transaction import ShownBefore, stamp_of
from webapp.core.models import db
from webapp.core.names import tidied
from webapp.core.permissions import MANAGE_ROLES, MANAGE_USERS, PERMISSIONS, Access, Refused, access_to
from webapp.people.directory.bulk import names_of
from webapp.web.access import requires
from webapp.web.forms import SelectChoice

bp = Blueprint("roles", __name__, url_prefix="/c/<contract>/roles")

Answer = Response | str | tuple[str, int]
NAMES_SHOWN = 25


@bp.get("")
@requires(MANAGE_ROLES)
def index(contract: str) -> str:
    access: Access = g.access
    return render_template(
        "roles/index.html",
        roles=_roles(),
        permissions=PERMISSIONS,
        may_see_people=access.may(MANAGE_USERS),
    )


# ------------------------------------------------------------------ creating
@bp.get("/new")
@requires(MANAGE_ROLES)
def new(contract: str) -> str:
    return _form_page(RoleForm(formdata=None), None)


@bp.post("/new")
@requires(MANAGE_ROLES)
def create(contract: str) -> Answer:
    form = RoleForm()
    if not form.validate_on_submit():
        return _form_page(form, None), 422
    access: Access = g.access
    try:
        service.create(access.contract.id, form.wanted, by_user_id=access.user.id)
    except RoleRefused as refused:
        form.refuse(refused.field, str(refused))
        return _form_page(form, None), 422
    flash(f"The role {tidied(form.name.data)} is created. Nobody has it yet.", "success")
    return redirect(url_for(".index", contract=contract))


# ------------------------------------------------------------------ changing
@bp.route("/<int:role_id>", methods=["GET", "POST"])
@requires(MANAGE_ROLES)
def edit(contract: str, role_id: int) -> Answer:
    role = _role_or_404(role_id)
    if request.method != "POST":  # HEAD asks too
        return _form_page(RoleForm.of(role), role)
    form = RoleForm()
    valid = form.validate_on_submit()
    if role.undeletable:  # shown, and no field
        form.name.data = role.name
    if role.is_administrator:
        form.permissions.data = list(role.permissions)
    if not valid:
        return _form_page(form, role), 422
    access: Access = g.access
    try:
        changed = service.change(
            access.contract.id, role_id, form.wanted, was=form.was, by_user_id=access.user.id
        )
    except RoleRefused as refused:
        form.refuse(refused.field, str(refused))
        return _form_page(form, role), 422
    except RoleChanged as meanwhile:
        return _changed_page(form, meanwhile.now), 409
    except Refused:
        now = _role_or_404(role_id)
        if (
            _beyond(now) and form.was.name and form.was.permissions <= access.permissions
        ):  # not so when opened
            return _changed_page(form, now), 409
        raise
    except LookupError:
        abort(404)
    if not changed:
        flash("Nothing was changed.", "info")
    else:
        count = role.people
        people = (
            f" It counts at once for {'1 person' if count == 1 else f'{count:,} people'}." if count else ""
        )
        flash(f"The role {tidied(form.name.data)} is saved.{people}", "success")
    return _onwards(contract)


# ------------------------------------------------------------------ deleting
@bp.route("/<int:role_id>/delete", methods=["GET", "POST"])
@requires(MANAGE_ROLES)
def delete(contract: str, role_id: int) -> Answer:
    """Ask first, then delete."""
    role = _role_or_404(role_id)
    if request.method != "POST":  # HEAD asks too
        return _delete_page(role, DeleteForm(formdata=None))
    form = DeleteForm()
    others = _roles()
    form.move_to.choices = _choices(others, "Choose a role")
    if not form.validate_on_submit():
        form.move_to.errors = ["Choose one of the list."]
        return _delete_page(role, form), 422
    access: Access = g.access
    try:
        count = service.delete(
            access.contract.id,
            role_id,
            move_to=form.move_to.data,
            by_user_id=access.user.id,
            shown=form.shown.data or "",
        )
    except service.PeopleHaveIt:
        form.refuse("move_to", "Choose which role those get who have this one.")
        return _delete_page(_role_or_404(role_id), form), 422
    except RoleRefused as refused:
        form.refuse(refused.field, str(refused))
        return _delete_page(_role_or_404(role_id), form), 422
    except ShownBefore:
        return _delete_page(_role_or_404(role_id), form, others_now=True), 409
    except LookupError:
        abort(404)
    people = ""
    if count:
        other = role_of(others, form.move_to.data).name
        people = f" {'1 person has' if count == 1 else f'{count:,} people have'} {other} instead."
    flash(f"The role {role.name} is deleted.{people}", "success")
    return _onwards(contract)


# ------------------------------------------------------------------ pages
def _form_page(form: RoleForm, role: RoleRow | None, *, changes: list[str] | None = None) -> str:
    """The form of a new role, or of one that is there; ``changes`` are those of somebody else meanwhile."""
    access: Access = g.access
    beyond = _beyond(role) if role else []
    return render_template(
        "roles/form.html",
        form=form,
        role=role,
        beyond=beyond,
        changes=changes,
        changed_by=last_change(db.session(), access.contract.id, role.id) if role and changes else None,
        texts=PERMISSION_TEXTS,
        not_yours=list(PERMISSIONS)
        if role and role.is_administrator
        else [key for key in PERMISSIONS if key not in access.permissions],
        is_yours=bool(role and role.name in access.roles),
        permissions=PERMISSIONS,
    )


def _changed_page(form: RoleForm, now: RoleRow) -> str:
    """The form again, with what somebody else made of the role meanwhile."""
    words = differences(form.was, Wanted.of(now))
    form.opened_on(now)
    return _form_page(form, now, changes=words)


def _delete_page(role: RoleRow, form: DeleteForm, *, others_now: bool = False) -> str:
    """``others_now``: other people have it than were shown before."""
    access: Access = g.access
    people = people_with(db.session(), access.contract.id, role.id)
    form.shown.data = stamp_of(people)
    may_move = access.may(MANAGE_USERS)
    others = [other for other in _roles() if other.id != role.id and other.permissions <= access.permissions]
    form.move_to.choices = _choices(others, "Choose a role")
    return render_template(
        "roles/delete.html",
        form=form,
        role=role,
        others_now=others_now,
        people=len(people),
        names=names_of(db.session(), access.contract.id, people, NAMES_SHOWN) if may_move else [],
        may_move=may_move,
        beyond=_beyond(role),
    )


def _beyond(role: RoleRow) -> list[str]:
    """What the role permits and the person may not do, in words."""
    access: Access = g.access
    return [
        name for key, name in PERMISSIONS.items() if key in role.permissions and key not in access.permissions
    ]


def _choices(roles: list[RoleRow], first: str) -> list[Any]:
    return [SelectChoice("", first), *(SelectChoice(role.id, role.name) for role in roles)]


def _onwards(contract: str) -> Response:
    """Back to the roles, or to where the person still may go who has just given that up."""
    access = access_to(contract, current_user, g.signed_in_at)
    may = access is not None and access.may(MANAGE_ROLES)
    return redirect(url_for(".index" if may else "home.in_contract", contract=contract))


def _roles() -> list[RoleRow]:
    return roles_of(db.session(), g.access.contract.id)


def _role_or_404(role_id: int) -> RoleRow:
    try:
        return role_of(_roles(), role_id)
    except LookupError:
        abort(404)
