"""The pages about users who are one human: what is proposed, two side by side, merging, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.core.models import User, db
from webapp.core.permissions import MANAGE_USERS, Access
from webapp.people.bulk.responses import giver_here
from webapp.people.directory.directory import Directory, directory_of
from webapp.people.directory.rows import rows_of
from webapp.people.merges import checks, find_duplicates, queries
from webapp.people.merges import dismiss as merges_dismiss
from webapp.people.merges import merge as merges_merge
from webapp.people.merges import undo as merges_undo
from webapp.people.merges.checks import Acting, CannotMerge, ChangedSince, No
from webapp.web.access import requires
from webapp.web.paging import url_with

bp = Blueprint("merges", __name__, url_prefix="/c/<contract>/users")

Answer = str | Response | tuple[str, int]

SHOWN = ("proposed", "dismissed", "merged")


@bp.get("/merges")
@requires(MANAGE_USERS)
def index(contract: str) -> str:
    access: Access = g.access
    contract_id = access.contract.id
    asked = request.args.get("show", "")
    show = asked if asked in SHOWN else SHOWN[0]
    counts = {
        "proposed": queries.open_count(contract_id),
        "dismissed": queries.dismissed_count(contract_id),
        "merged": queries.merge_count(contract_id),
    }
    rows: Sequence[object]
    if show == "merged":
        rows, page = queries.merges(contract_id, total=counts[show])
    else:
        rows, page = queries.proposals(_directory(), dismissed=show == "dismissed", total=counts[show])
    labels = {"proposed": "Proposed", "dismissed": "Not the same person", "merged": "Merged"}
    pills = [
        {
            "label": labels[key],
            "count": counts[key],
            "url": url_with(show=None if key == SHOWN[0] else key),
            "current": key == show,
        }
        for key in SHOWN
    ]
    return render_template("merges/index.html", show=show, rows=rows, page=page, pills_list=pills)


@bp.post("/merges/look")
@requires(MANAGE_USERS)
def look(contract: str) -> Response:
    """Look for pairs now; each sync that changes something does so as well."""
    db.session.rollback()
    found = find_duplicates.find(db.engine, g.access.contract.id)
    flash(
        "Looked again: no two users look like one person."
        if not found
        else "Looked through all users again. What was found is listed below.",
        "success",
    )
    return redirect(url_for(".index", contract=contract))


@bp.post("/merges/<int:proposal_id>/not-same")
@requires(MANAGE_USERS)
def dismiss(contract: str, proposal_id: int) -> Response:
    try:
        names = merges_dismiss.dismiss(g.access.contract.id, proposal_id, by=current_user.name)
    except LookupError:
        abort(404)
    flash(f"Kept: {' and '.join(names)} are not one person. They are not proposed again.", "success")
    return redirect(url_for(".index", contract=contract))


@bp.post("/merges/<int:proposal_id>/take-back")
@requires(MANAGE_USERS)
def take_back(contract: str, proposal_id: int) -> Response:
    try:
        names = merges_dismiss.take_back(g.access.contract.id, proposal_id)
    except LookupError:
        abort(404)
    flash(
        f"{' and '.join(names)} may be one person again, and are proposed as long as something speaks for it.",
        "success",
    )
    return redirect(url_for(".index", contract=contract, show="dismissed"))


@bp.get("/<int:user>/merge")
@requires(MANAGE_USERS)
def search(contract: str, user: int) -> Answer:
    """Whom to merge the user with."""
    directory = _directory()
    found = rows_of(db.session(), [user], directory)
    if not found:
        abort(404)
    if moved := _moved(user):
        return moved
    q = " ".join(request.args.get("q", "").split())[:200]
    rows, page = queries.others(directory, user, q)
    return render_template("merges/search.html", user=found[0], q=q, rows=rows, page=page)


@bp.route("/<int:user>/merge/<int:other>", methods=["GET", "POST"])
@requires(MANAGE_USERS)
def compare(contract: str, user: int, other: int) -> Answer:
    """Two users side by side, and who shall stay."""
    if not queries.pairs_of(db.session(), [(user, other)], _directory()):
        abort(404)
    if moved := _moved(user) or _moved(other):
        return moved
    return _merge(user, other) if request.method == "POST" else _compare_page(user, other)


def _merge(user: int, other: int) -> Answer:
    access: Access = g.access
    kept_text = request.form.get("stays", "")
    if kept_text not in (str(user), str(other)):
        return _compare_page(user, other, unchosen=True), 422
    kept, gone = (user, other) if kept_text == str(user) else (other, user)
    try:
        row = merges_merge.merge(
            access.contract.id,
            kept,
            gone,
            by=current_user.name,
            by_user_id=access.user.id,
            stamp=request.form.get(f"stamp-{kept}", ""),
        )
    except LookupError:
        abort(404)
    except CannotMerge as no:
        if No.MERGED_BEFORE in no.reasons and (moved := _moved(user) or _moved(other)):
            return moved
        return _compare_page(user, other, refused=_words(no.reasons), kept=kept), 409
    except ChangedSince:
        return _compare_page(user, other, changed=True, kept=kept), 409
    name = db.session.get_one(User, row.kept_id).name
    flash(
        f"{row.gone_name} is merged into {name}, with links, history and decisions. This page can undo it.",
        "success",
    )
    return redirect(url_for("users.show", contract=access.contract.slug, user=row.kept_id))


@bp.route("/merges/<int:merge_id>/undo", methods=["GET", "POST"])
@requires(MANAGE_USERS)
def undo(contract: str, merge_id: int) -> Answer:
    """What would come back, and what cannot."""
    return _undo(merge_id) if request.method == "POST" else _undo_page(merge_id)


def _undo(merge_id: int) -> Answer:
    access: Access = g.access
    try:
        row = merges_undo.undo(
            access.contract.id,
            merge_id,
            by=current_user.name,
            by_user_id=access.user.id,
            stamp=request.form.get("stamp", ""),
        )
    except LookupError:
        abort(404)
    except CannotMerge:
        return _undo_page(merge_id, refused=True), 409
    except ChangedSince:
        return _undo_page(merge_id, changed=True), 409
    gone = db.session.get_one(User, row.gone_id)
    flash(
        f"The merge is undone. {gone.name} is back, {gone.status}. The two are not proposed again.", "success"
    )
    return redirect(url_for("users.show", contract=access.contract.slug, user=gone.id))


# ------------------------------------------------------------------ shared
def _directory() -> Directory:
    return directory_of(db.session(), g.access.contract.id)


def _acting(directory: Directory) -> Acting:
    access: Access = g.access
    return Acting(access.user.id, giver_here(directory))


def _words(reasons: list[No]) -> list[str]:
    return [checks.WORDS[reason] for reason in reasons]


def _moved(user: int) -> Response | None:
    """To the page of whom a merged user went into."""
    access: Access = g.access
    stayed = checks.who_stayed(db.session(), access.contract.id, user)
    if stayed is None:
        return None
    flash("That user was merged into this one.", "info")
    return redirect(url_for("users.show", contract=access.contract.slug, user=stayed))


def _compare_page(user: int, other: int, *, kept: int | None = None, **problem: Any) -> str:
    access: Access = g.access
    session = db.session()
    directory = _directory()
    pair = queries.pairs_of(session, [(user, other)], directory)[user, other]
    one, two = session.get_one(User, user), session.get_one(User, other)
    acting = _acting(directory)
    barred = {
        a.id: _words(checks.why_not(session, a, b, directory, acting)) for a, b in ((one, two), (two, one))
    }
    default = checks.stays_by_default(one, two).id
    if barred[default] and not barred[two.id if default == one.id else one.id]:
        default = two.id if default == one.id else one.id
    return render_template(
        "merges/compare.html",
        pair=pair,
        evidence=queries.evidence_for(session, access.contract.id, user, other),
        barred=barred,
        hopeless=all(barred.values()),
        stays=kept or default,
        stamps={
            one.id: checks.stamp_of(session, one, two),
            two.id: checks.stamp_of(session, two, one),
        },
        both_active=one.status == two.status == "active",
        problem=problem,
    )


def _undo_page(merge_id: int, **problem: Any) -> str:
    access: Access = g.access
    session = db.session()
    try:
        row = merges_undo.merge_of(session, access.contract.id, merge_id)
    except LookupError:
        abort(404)
    kept, gone = session.get_one(User, row.kept_id), session.get_one(User, row.gone_id)
    directory = _directory()
    reasons = merges_undo.why_not_undo(session, row, kept, directory, _acting(directory))
    back = merges_undo.returning(session, row, kept, gone, directory) if not reasons else None
    return render_template(
        "merges/undo.html",
        row=row,
        kept=kept,
        gone=gone,
        back=back,
        roles=directory.role_names(back.owned.get("roles", [])) if back else [],
        reasons=_words(reasons),
        problem=problem,
    )
