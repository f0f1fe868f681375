"""The Users screens: the list, one user, and activating or deactivating many at once."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, abort, current_app, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from webapp.core.models import User, db, utcnow
from webapp.core.models.user import USER_STATUSES
from webapp.core.permissions import INTEGRATIONS, MANAGE_INTEGRATIONS, MANAGE_USERS, VIEW_SYNC_STATUS, Access
from webapp.people.activation import activate as activating
from webapp.people.activation import deactivate as deactivating
from webapp.people.activation.forms import ActivationForm, DeactivationForm
from webapp.people.bulk.licence_forecast import forecast
from webapp.people.bulk.page import batch_of, sparing_batch_of
from webapp.people.bulk.responses import (
    directory_here,
    giver_here,
    nobody_left,
    selection_here,
    shown_stamp,
    what_was_done,
)
from webapp.people.directory.bulk import ChangedMeanwhile, ListChanged, NobodySelected
from webapp.people.directory.counts import status_counts
from webapp.people.directory.directory import Directory, platforms_to_ask
from webapp.people.directory.filters import read_filters
from webapp.people.directory.giving import who_has_more
from webapp.people.directory.rows import rows_of
from webapp.people.directory.selection import MAX_KEPT, Selection, TooManyKept, UnknownUsers, keep
from webapp.people.directory.setup import beyond
from webapp.people.invitations import status as invitations
from webapp.people.merges.checks import all_in, who_stayed
from webapp.people.merges.queries import merged_into
from webapp.people.sign_ins.end import sign_ins_of
from webapp.people.users.history import RECENT, entries_about
from webapp.people.users.list_page import list_context
from webapp.people.users.profile import change_count, namer_of, recent_changes, sign_in_of
from webapp.platforms.platform import Platform
from webapp.web.access import requires

bp = Blueprint("users", __name__, url_prefix="/c/<contract>/users")

Answer = str | Response | tuple[str, int]


@bp.get("")
@requires(MANAGE_USERS)
def index(contract: str) -> str | Response:
    directory = directory_here()
    filters = read_filters(request.args, directory)
    if filters.gone:  # the same list of people, with what matters about those who left
        return redirect(f"{url_for('leavers.index', contract=contract)}?{request.query_string.decode()}")
    context = list_context(g.access, filters, directory)
    return render_template("users/index.html", **context, ask_at=_ask_at() if context["empty"] else [])


@bp.post("/keep")
@requires(MANAGE_USERS)
def keep_selected(contract: str) -> Response:
    """Keep who is ticked while another page of the list, or another search, is looked at.

    ``to`` is the query of the list to go to; without it, the list comes back as it was.
    """
    directory = directory_here()
    values = dict(parse_qsl(request.form.get("to") or request.form.get("list", "")))
    address: dict[str, Any] = {"contract": contract, **read_filters(values, directory).params()}
    address |= {name: values[name] for name in ("page", "per_page") if name in values}
    try:
        address["keep"] = keep(selection_here(directory, *USER_STATUSES).ids) or None
    except TooManyKept:
        address["keep"] = request.form.get("kept")
        flash(
            f"At most {MAX_KEPT} people can be picked one by one over several pages, so those of the last page "
            "are not selected. Narrow the list with search and filters, then select all of it.",
            "warning",
        )
    return redirect(url_for(".index", **address))


@bp.get("/<int:user>")
@requires(MANAGE_USERS)
def show(contract: str, user: int) -> str | Response:
    access: Access = g.access
    directory = directory_here()
    found = rows_of(db.session(), [user], directory)
    if not found:
        abort(404)
    stayed = who_stayed(db.session(), access.contract.id, user)
    if stayed is not None:
        flash(f"{found[0].name} was merged into this user.", "info")
        return redirect(url_for(".show", contract=contract, user=stayed))
    everybody = all_in(db.session(), access.contract.id, user)
    merged = merged_into(db.session(), access.contract.id, sorted(everybody))
    status = found[0].status
    next_step = ".deactivation" if status == "active" else ".activation"
    member = db.session.get_one(User, user)
    idle_since = utcnow() - current_app.extensions["settings"].session_idle
    entries, history = entries_about(db.session(), access.contract.id, {user, *everybody}, RECENT)
    return render_template(
        "users/show.html",
        user=found[0],
        sign_in=sign_in_of(db.session(), access.contract.id, user),
        changes=recent_changes(
            db.session(), access.contract.id, user, {one.gone_id: one.gone_name for one in merged}
        ),
        change_count=change_count(db.session(), access.contract.id, user, [one.gone_id for one in merged]),
        entries=entries,
        entry_count=history.total,
        namer=namer_of(db.session(), access.contract.id, user),
        merged=merged,
        invitation=invitations.panel_of(db.session(), access, user),
        may_see_runs=access.may(VIEW_SYNC_STATUS, MANAGE_INTEGRATIONS, feature=INTEGRATIONS),
        next_step_url=url_for(next_step, contract=contract, ids=user, status=status),
        is_yourself=user == access.user.id,
        sign_ins=sign_ins_of(db.session(), member, idle_since),
        has_more=bool(who_has_more(db.session(), [user], directory, giver_here(directory))),
        above=bool(beyond(found[0].role_ids, access.permissions, directory)),
        may_ask=access.may(MANAGE_INTEGRATIONS, feature=INTEGRATIONS),
        ask_at=[] if found[0].links else _ask_at(),
    )


def _ask_at() -> list[Platform]:
    """The platforms at which the person may ask why somebody is not here."""
    access: Access = g.access
    may = access.may(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
    return platforms_to_ask(db.session(), access.contract.id) if may else []


# ------------------------------------------------------------------ activating
@bp.route("/activate", methods=["GET", "POST"])
@requires(MANAGE_USERS)
def activation(contract: str) -> Answer:
    """What the selected users shall get. Changes nothing; what was typed comes back."""
    if not {"list", "status"}.intersection(request.values):  # the bare address: nobody was selected
        return redirect(url_for(".index", contract=contract, status=activating.FROM[0]))
    directory = directory_here()
    return _activation_page(selection_here(directory, *activating.FROM), _activation_form(directory))


@bp.post("/activate/confirm")
@requires(MANAGE_USERS)
def activate(contract: str) -> Answer:
    directory = directory_here()
    selection, form = selection_here(directory, *activating.FROM), _sent_form(directory)
    stamp = shown_stamp()
    if not form.validate_on_submit():
        return _activation_page(selection, form, 422)
    access: Access = g.access
    try:
        done = activating.activate(
            access.contract.id,
            selection,
            form.set_up,
            by_user_id=access.user.id,
            stamp=stamp,
            invite=form.invite.data,
        )
    except (activating.LicencesExceeded, ChangedMeanwhile):
        return _activation_page(selection, form, 409, refused=True)
    except ListChanged as change:
        return _activation_page(selection, form, 409, change=change)
    except (activating.NotInContract, activating.SetUpIncomplete, activating.Beyond):
        form = _sent_form(directory_here())
        form.validate()
        return _activation_page(selection, form, 409, choices_changed=True)
    except NobodySelected:
        return nobody_left(selection)
    except UnknownUsers:
        abort(404)
    roles = " and ".join(directory.role_names(form.set_up.roles))
    team = "".join(f" in {path}" for path in directory.team_paths([form.set_up.team or 0]))
    return what_was_done(done, "active", f"active now as {roles}{team}", "left", selection.filters)


def _activation_page(selection: Selection, form: ActivationForm, status: int = 200, **problem: Any) -> Answer:
    access: Access = g.access
    try:
        batch = batch_of(selection, form.directory)
    except UnknownUsers:
        abort(404)
    if not batch.ids:
        return nobody_left(selection, batch)
    used = status_counts(access.contract.id)["active"]
    page = render_template(
        "users/activate.html",
        batch=batch,
        form=form,
        bought=access.contract.licences,
        used=used,
        free=max(access.contract.licences - used, 0),
        back_url=batch.list_url(access.contract.slug),
        role_texts={role.id: role.description for role in form.directory.roles},
        depths={team.id: team.depth for team in form.directory.teams},
        missing_url=url_for(".index", contract=access.contract.slug, status="active", missing="any"),
        invitable=invitations.how_many(db.session(), access.contract.id, batch.ids),
        forecast=forecast(
            db.session(),
            access.contract.id,
            batch.ids,
            bought=access.contract.licences,
            used=used,
            status=selection.filters.status,
        ),
        problem=problem,
    )
    return page, status


def _activation_form(directory: Directory) -> ActivationForm:
    return ActivationForm.for_contract(directory, giver_here(directory), fresh="typed" not in request.form)


def _sent_form(directory: Directory) -> ActivationForm:
    """What somebody wants carried out, whatever of it is missing."""
    return ActivationForm.for_contract(directory, giver_here(directory))


# ------------------------------------------------------------------ deactivating
@bp.route("/deactivate", methods=["GET", "POST"])
@requires(MANAGE_USERS)
def deactivation(contract: str) -> Answer:
    """Asks before anybody is deactivated. Changes nothing."""
    directory = directory_here()
    return _deactivation_page(
        selection_here(directory, deactivating.FROM), directory, DeactivationForm(formdata=None)
    )


@bp.post("/deactivate/confirm")
@requires(MANAGE_USERS)
def deactivate(contract: str) -> Answer:
    directory = directory_here()
    selection, form = selection_here(directory, deactivating.FROM), DeactivationForm()
    if not form.validate_on_submit():
        return _deactivation_page(selection, directory, form, 422)
    access: Access = g.access
    try:
        done = deactivating.deactivate(
            access.contract.id, selection, by_user_id=access.user.id, stamp=shown_stamp()
        )
    except (deactivating.Protected, ChangedMeanwhile):
        return _deactivation_page(selection, directory, form, 409, refused=True)
    except ListChanged as change:
        return _deactivation_page(selection, directory, form, 409, change=change)
    except NobodySelected:
        return nobody_left(selection)
    except UnknownUsers:
        abort(404)
    return what_was_done(done, "inactive", "inactive now", "free", selection.filters)


def _deactivation_page(
    selection: Selection, directory: Directory, form: DeactivationForm, status: int = 200, **problem: Any
) -> Answer:
    access: Access = g.access
    try:
        batch = sparing_batch_of(selection, directory, access)
    except UnknownUsers:
        abort(404)
    if not batch.ids:
        return nobody_left(selection, batch)
    page = render_template(
        "users/deactivate.html",
        batch=batch,
        form=form,
        back_url=batch.list_url(access.contract.slug),
        problem=problem,
    )
    return page, status
