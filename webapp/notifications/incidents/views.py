"""The Notifications page: which mails one gets oneself."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, g, redirect, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from config import Settings
from webapp.core.permissions import MANAGE_INTEGRATIONS, MANAGE_SECURITY, MANAGE_USERS, Access
from webapp.notifications.incidents import preferences
from webapp.notifications.incidents.forms import ChoicesForm
from webapp.web.access import requires

bp = Blueprint("notify", __name__)


@bp.get("/c/<contract>/notifications")
@requires(MANAGE_INTEGRATIONS, MANAGE_USERS)
def index(contract: str) -> str:
    form = ChoicesForm(kinds=sorted(preferences.chosen(g.access)))
    return _page(form)


@bp.post("/c/<contract>/notifications")
@requires(MANAGE_INTEGRATIONS, MANAGE_USERS)
def save(contract: str) -> Response | tuple[str, int]:
    form = ChoicesForm()
    form.offer(preferences.offered(g.access))
    if not form.validate_on_submit():
        return _page(form), 422
    if preferences.save(g.access, set(form.kinds.data or [])):
        flash("Your choice is saved. It counts from the next email on.", "success")
    else:
        flash("Nothing was changed.", "info")
    return redirect(url_for(".index", contract=contract))


def _page(form: ChoicesForm) -> str:
    access: Access = g.access
    settings: Settings = current_app.extensions["settings"]
    kinds = preferences.offered(access)
    form.offer(kinds)
    return render_template(
        "notify/index.html",
        form=form,
        hints={kind.key: kind.hint for kind in kinds},
        email=current_user.email,
        demo=settings.demo,
        mail_server=settings.mail is not None,
        outbox_url=url_for("mail.index", contract=access.contract.slug)
        if access.may(MANAGE_INTEGRATIONS, MANAGE_SECURITY)
        else None,
    )
