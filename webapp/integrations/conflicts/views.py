"""The Conflicts page: one form a person, and two decisions for many at once."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.core.numbers import id_in
from webapp.core.permissions import INTEGRATIONS, MANAGE_INTEGRATIONS, MANAGE_USERS, Access
from webapp.integrations.conflicts import queries, service
from webapp.platforms.registry import PLATFORMS
from webapp.web.access import requires
from webapp.web.paging import url_with

bp = Blueprint("conflicts", __name__, url_prefix="/c/<contract>/conflicts")

MOST_AT_ONCE = 100
LATER = "The next run does so; Sync now does it at once."


@bp.get("")
@requires(MANAGE_USERS, MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def index(contract: str) -> str:
    access: Access = g.access
    decided = request.args.get("show") == "decided"
    filters = queries.Filters(
        platform=request.args.get("platform", "") if request.args.get("platform") in PLATFORMS else "",
        reason=request.args.get("reason", "") if request.args.get("reason") in queries.REASONS else "",
        q=request.args.get("q", "").strip()[:200],
    )
    contract_id = access.contract.id
    rows, page = queries.decisions(contract_id) if decided else queries.conflicts(contract_id, filters)
    open_count = queries.open_count(contract_id)
    pills = [
        {
            "label": "Open",
            "count": open_count,
            "url": url_with(show=None, q=None),
            "current": not decided,
        },
        {
            "label": "Decided",
            "count": queries.decided_count(contract_id),
            "url": url_with(show="decided", q=None),
            "current": decided,
        },
    ]
    return render_template(
        "conflicts/index.html",
        decided=decided,
        rows=rows,
        page=page,
        pills_list=pills,
        filters=filters,
        reasons=[(key, words[0]) for key, words in queries.REASONS.items()],
        platforms=[(key, platform.label) for key, platform in PLATFORMS.items()],
        nobody_yet=open_count == 0,
        may_see_users=access.may(MANAGE_USERS),
        may_ask=access.may(MANAGE_INTEGRATIONS),
    )


@bp.post("/<int:person_id>")
@requires(MANAGE_USERS, MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def decide(contract: str, person_id: int) -> Response:
    choice = request.form.get("choice", "")
    if not service.is_here(g.access.contract.id, person_id):
        abort(404)
    try:
        if choice == service.NEW:
            service.import_as_new(g.access.contract.id, [person_id], by=current_user.name)
            flash(f"Saved: someone new. {LATER}", "success")
        elif choice == service.EXCLUDE:
            service.exclude(g.access.contract.id, [person_id], by=current_user.name)
            flash("Saved: they stay out. Exclusions lists them, and takes them back.", "success")
        elif (user_id := id_in(choice)) is not None:
            name = service.link(g.access.contract.id, person_id, user_id, by=current_user.name)
            flash(f"Saved: they are {name}. {LATER}", "success")
        else:
            flash("Choose who this person is first. Nothing was saved.", "error")
    except LookupError:
        abort(404)
    except service.CandidateTaken as taken:
        flash(
            f"{taken.user_name} is linked or promised to somebody else there already. Nothing was saved. "
            "Choose another answer.",
            "error",
        )
    except service.NoLongerInConflict as gone:
        flash(f"{', '.join(gone.names)} had been decided or matched meanwhile. Nothing was saved.", "info")
    return _back(contract)


@bp.post("/many")
@requires(MANAGE_USERS, MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def decide_many(contract: str) -> Response:
    ids = [number for text in request.form.getlist("ids") if (number := id_in(text)) is not None]
    choice = request.form.get("choice")
    if choice not in (service.NEW, service.EXCLUDE):
        abort(400)
    if not ids or len(ids) > MOST_AT_ONCE:
        flash(f"Tick from 1 to {MOST_AT_ONCE} people first. Nothing was saved.", "error")
        return _back(contract)
    act = service.import_as_new if choice == service.NEW else service.exclude
    try:
        count = act(g.access.contract.id, ids, by=current_user.name)
    except LookupError:
        abort(404)
    except service.NoLongerInConflict as gone:
        flash(
            f"{', '.join(gone.names[:10])} had been decided or matched meanwhile, so nothing was saved. "
            "Tick the others again.",
            "warning",
        )
    else:
        people = "1 person" if count == 1 else f"{count:,} people"
        what = "are imported as new" if choice == service.NEW else "stay out"
        flash(
            f"Saved: {people} {what if count != 1 else what.replace('are', 'is').replace('stay', 'stays')}. {LATER}",
            "success",
        )
    return _back(contract)


@bp.post("/decisions/<int:decision_id>/forget")
@requires(MANAGE_USERS, MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def forget(contract: str, decision_id: int) -> Response:
    try:
        name = service.forget(g.access.contract.id, decision_id)
    except LookupError:
        abort(404)
    flash(f"The decision about {name} is forgotten. A link that a run has made from it stays.", "success")
    return redirect(url_for(".index", contract=contract, show="decided"))


def _back(contract: str) -> Response:
    """The list the form stood in, with its filters."""
    kept = [(name, request.form.get(f"keep_{name}", "")[:200]) for name in ("platform", "reason", "q")]
    query = urlencode([(name, value) for name, value in kept if value])
    return redirect(url_for(".index", contract=contract) + (f"?{query}" if query else ""))
