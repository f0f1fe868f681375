"""Where somebody lands who has signed in: the first page that they may open."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.core.permissions import contracts_of, is_support
from webapp.navigation import navigation
from webapp.web.access import requires, signed_in

bp = Blueprint("home", __name__)


@bp.get("/")
@signed_in
def index() -> Response | str:
    contracts = contracts_of(current_user)
    if not contracts and is_support(current_user):
        return redirect(url_for("support.index"))
    if not contracts:
        return render_template("auth/no_contract.html")
    return redirect(url_for(".in_contract", contract=contracts[0].slug))


@bp.get("/c/<contract>/")
@requires()
def in_contract(contract: str) -> Response | str:
    for group in navigation(g.access):
        for item in group["items"]:
            return redirect(item["url"])
    return render_template("auth/nothing_to_open.html")
