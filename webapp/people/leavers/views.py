"""The Leavers list, and the rule that deactivates those gone for long."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.core.models import db, utcnow
from webapp.core.permissions import (
    INTEGRATIONS,
    MANAGE_INTEGRATIONS,
    MANAGE_USERS,
    PERMISSIONS,
    Access,
    Refusal,
    Refused,
)
from webapp.people.directory.bulk import names_of
from webapp.people.directory.directory import directory_of
from webapp.people.directory.due_query import due_after
from webapp.people.directory.filters import read_filters
from webapp.people.leavers import rule as use
from webapp.people.leavers.forms import AFTER, NEVER, USUAL_DAYS, RuleForm
from webapp.people.leavers.queries import asked, leavers_context
from webapp.web.access import requires

bp = Blueprint("leavers", __name__, url_prefix="/c/<contract>/users/leavers")

NAMES_SHOWN = 12


@bp.get("")
@requires(MANAGE_USERS)
def index(contract: str) -> str:
    directory = directory_of(db.session(), g.access.contract.id)
    filters = read_filters(asked(), directory)
    return render_template("leavers/index.html", **leavers_context(g.access, filters, directory))


@bp.post("/spare")
@requires(MANAGE_USERS)
def spare(contract: str) -> Response:
    """Leave those who were held as they are."""
    access: Access = g.access
    count = use.spare(access.contract, by_user_id=access.user.id)
    if count:
        people = "1 person stays" if count == 1 else f"{count:,} people stay"
        flash(f"{people} active. The rule looks only at who goes from now on.", "success")
    else:
        flash("Nobody is held any more. Nothing was changed.", "info")
    return redirect(url_for(".index", contract=contract))


@bp.get("/rule")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def rule(contract: str) -> str:
    _also_manages_users()
    stored = use.rule_of(g.access.contract.id)
    return _rule_page(
        RuleForm(
            formdata=None,
            when=AFTER if stored else NEVER,
            days=str(stored.days if stored else USUAL_DAYS),
        )
    )


@bp.post("/rule")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def save_rule(contract: str) -> Response | str | tuple[str, int]:
    """Save the rule, or, with ``preview``, only show what it would do."""
    _also_manages_users()
    form = RuleForm()
    if not form.validate_on_submit():
        return _rule_page(form), 422
    if "preview" in request.form:
        return _rule_page(form, tried=True)
    access: Access = g.access
    changed = use.save(access.contract, form.chosen, by_user_id=access.user.id, by=current_user.name)
    if not changed:
        flash("Nothing was changed.", "info")
    elif form.chosen is None:
        flash("The rule is off. Nobody is deactivated automatically any more.", "success")
    else:
        flash("The rule is saved. It is carried out within the hour, and then once a day.", "success")
    return redirect(url_for(".rule", contract=contract))


def _rule_page(form: RuleForm, *, tried: bool = False) -> str:
    """The form, with who would be deactivated by what it says now."""
    access: Access = g.access
    session = db.session()
    contract_id = access.contract.id
    stored = use.rule_of(contract_id)
    days = form.typed or USUAL_DAYS
    due = due_after(session, contract_id, days, utcnow(), stored.spared_until if stored else None)
    return render_template(
        "leavers/rule.html",
        form=form,
        stored=stored,
        tried=tried,
        days=days,
        due=due,
        names=names_of(session, contract_id, due.ids, NAMES_SHOWN),
    )


def _also_manages_users() -> None:
    """Whoever sets the rule deactivates people by it, so both permissions are needed."""
    if not g.access.may(MANAGE_USERS):
        raise Refused(Refusal("permission", MANAGE_USERS, PERMISSIONS[MANAGE_USERS]))
