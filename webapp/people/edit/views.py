"""The pages that add a user and change one."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from webapp.core.models import User, db
from webapp.core.models.user import MERGED
from webapp.core.permissions import MANAGE_USERS, Access
from webapp.people.activation.activate import Beyond, LicencesExceeded, NotInContract, SetUpIncomplete
from webapp.people.bulk.licence_forecast import of_licences
from webapp.people.bulk.responses import directory_here, giver_here
from webapp.people.directory.counts import status_counts
from webapp.people.directory.directory import Directory
from webapp.people.edit import creating, service
from webapp.people.edit.form_state import FIELDS, State, digest, state_of
from webapp.people.edit.forms import EditForm, NewUserForm, UserForm
from webapp.people.edit.identity import UsernameTaken, alike
from webapp.people.users.profile import namer_of, sign_in_of
from webapp.web.access import requires

bp = Blueprint("user_editing", __name__, url_prefix="/c/<contract>/users")

Answer = str | Response | tuple[str, int]

FIELD_LABELS = dict(
    zip(
        FIELDS,
        ("Name", "Username", "Email", "Third-party ID", "Status", "Roles", "Team", "Reporting access"),
        strict=True,
    )
)
ABOVE = "They may do more than you, so it takes someone who may do the same to change them."


# ------------------------------------------------------------------ adding
@bp.route("/new", methods=["GET", "POST"])
@requires(MANAGE_USERS)
def new(contract: str) -> Answer:
    access: Access = g.access
    directory = directory_here()
    form = NewUserForm.for_contract(directory, giver_here(directory), fresh=request.method != "POST")
    if request.method != "POST":
        return _new_page(form)
    if not form.validate_on_submit():
        return _new_page(form, 422)
    set_up = form.set_up if form.active else None
    try:
        done = creating.create(access.contract.id, form.identity, set_up, by_user_id=access.user.id)
    except UsernameTaken as taken:
        form.refuse_username(taken.name, taken.status)
        return _new_page(form, 422)
    except LicencesExceeded as error:
        return _new_page(form, 409, full=error)
    except (NotInContract, SetUpIncomplete, Beyond):
        directory = directory_here()
        form = NewUserForm.for_contract(directory, giver_here(directory), fresh=False)
        form.validate()
        return _new_page(form, 409, choices_changed=True)
    if form.active:
        rest = f"{of_licences(done.free, done.bought)} left."
        flash(f"{done.names[0]} is added and active. {rest}", "success")
    else:
        flash(f"{done.names[0]} is added and waits under Pending.", "success")
    _warn_of_alike(done.ids[0])
    return redirect(url_for("users.show", contract=contract, user=done.ids[0]))


def _new_page(form: NewUserForm, status: int = 200, **problem: Any) -> Answer:
    access: Access = g.access
    used = status_counts(access.contract.id)["active"]
    free = max(access.contract.licences - used, 0)
    if not free:
        form.start.data = "pending"  # the only choice that can still be sent
    page = render_template(
        "user_editing/new.html",
        form=form,
        bought=access.contract.licences,
        used=used,
        free=free,
        problem=problem,
        **_choices(form),
    )
    return page, status


# ------------------------------------------------------------------ changing
@bp.route("/<int:user>/edit", methods=["GET", "POST"])
@requires(MANAGE_USERS)
def edit(contract: str, user: int) -> Answer:
    access: Access = g.access
    directory = directory_here()
    found = _user_or_404(user)
    if found.status == MERGED:
        return _merged(user)
    state = state_of(db.session(), found)
    if service.is_above(state.set_up.roles, access.permissions, directory):
        flash(ABOVE, "warning")
        return redirect(url_for("users.show", contract=contract, user=user))
    form = EditForm.for_user(directory, giver_here(directory), state, fresh=request.method != "POST")
    if request.method != "POST":
        return _edit_page(found, form)
    if state.changed_since(form.stamp.data or ""):  # before all else: it may be another form by now
        return _changed(user, form)
    if not form.validate_on_submit():
        return _edit_page(found, form, 422)
    return _save(found, form, state)


def _save(user: User, form: EditForm, state: State) -> Answer:
    """Store what was typed and lead to the user's page, or show the form again with what is in the way."""
    access: Access = g.access
    user_id, show_url = user.id, url_for("users.show", contract=access.contract.slug, user=user.id)
    try:
        changes = service.edit(
            access.contract.id,
            user_id,
            form.identity,
            form.set_up if form.active else None,
            by_user_id=access.user.id,
            stamp=form.stamp.data or "",
        )
    except service.ChangedSince:
        return _changed(user_id, form)
    except UsernameTaken as taken:
        form.refuse_username(taken.name, taken.status)
    except service.LastAdministrator:
        form.refuse_role_change("One administrator who can sign in has to stay.")
    except service.LosesOwnAccess:
        form.refuse_role_change("You would no longer be allowed to manage users. Ask a colleague to do this.")
    except (NotInContract, SetUpIncomplete, Beyond):
        directory = directory_here()
        form = EditForm.for_user(directory, giver_here(directory), state, fresh=False)
        form.validate()
        return _edit_page(user, form, 409, choices_changed=True)
    except service.Above:
        flash(ABOVE, "warning")
        return redirect(show_url)
    except LookupError:
        return _merged(user_id)
    else:
        db.session.refresh(user)
        flash(*((f"{user.name} is saved.", "success") if changes else ("Nothing was changed.", "info")))
        _warn_of_alike(user_id)
        return redirect(show_url)
    return _edit_page(user, form, 422)


def _changed(user_id: int, form: EditForm) -> Answer:
    """The form once more, with what was typed, beside what somebody else or a sync has stored meanwhile.

    Fields that were left as they were opened show what is stored now.
    """
    user = _user_or_404(user_id)
    if user.status == MERGED:
        return _merged(user_id)
    directory = directory_here()
    state = state_of(db.session(), user)
    opened = dict(zip(FIELDS, (form.stamp.data or "").split("."), strict=False))
    fresh = EditForm.for_user(directory, giver_here(directory), state, fresh=True)
    clashes = []
    for field in state.changed_since(form.stamp.data or ""):
        untouched = field == "status" or digest(form.typed(field)) in (
            opened.get(field),
            digest(state.value(field)),  # both typed the same
        )
        clashes.append(
            {
                "label": FIELD_LABELS[field],
                "now": _in_words(field, state.value(field), directory),
                "typed": None if untouched else _in_words(field, form.typed(field), directory),
            }
        )
        if untouched and field != "status":
            getattr(form, field).data = getattr(fresh, field).data
    form.stamp.data = state.stamp
    form.active = state.status == "active"
    return _edit_page(user, form, 409, clashes=clashes)


def _in_words(field: str, value: Any, directory: Directory) -> str:
    if field == "roles":
        return ", ".join(directory.role_names(value)) or "None"
    if field in ("team", "access"):
        paths = directory.team_paths(value if field == "access" else [value or 0])
        return ", ".join(paths) or "None"
    return str(value or "Empty")


def _edit_page(user: User, form: EditForm, status: int = 200, **problem: Any) -> Answer:
    contract_id = g.access.contract.id
    page = render_template(
        "user_editing/edit.html",
        user=user,
        form=form,
        namer=namer_of(db.session(), contract_id, user.id),
        sign_in=sign_in_of(db.session(), contract_id, user.id),
        problem=problem,
        **_choices(form),
    )
    return page, status


def _merged(user_id: int) -> Answer:
    """To whoever they were merged into; the page there says so."""
    if request.method == "POST":
        flash("Nothing was saved: the two were merged after you opened the form.", "warning")
    return redirect(url_for("users.show", contract=g.access.contract.slug, user=user_id))


def _user_or_404(user_id: int) -> User:
    user = db.session.get(User, user_id, populate_existing=True)
    if user is None or user.contract_id != g.access.contract.id:
        abort(404)
    return user


def _choices(form: UserForm) -> dict[str, Any]:
    """What the fields of the set-up show beside their choices."""
    return {
        "role_texts": {role.id: role.description for role in form.directory.roles},
        "depths": {team.id: team.depth for team in form.directory.teams},
    }


def _warn_of_alike(user_id: int) -> None:
    names = alike(db.session(), g.access.contract.id, user_id)
    if names:
        who = " and ".join(names)
        has = "has" if len(names) == 1 else "have"
        flash(
            f"{who} {has} the same email or third-party ID. Merge the two users if they are one person; "
            "else a sync may ask who is who.",
            "warning",
        )
