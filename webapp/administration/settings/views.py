"""The Contract settings page."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, url_for
from werkzeug.wrappers import Response

from webapp.administration.settings.forms import SettingsForm
from webapp.administration.settings.service import Settings, SettingsChanged, save
from webapp.core.contracts import ContractRefused, licences_used
from webapp.core.models import db
from webapp.core.permissions import FEATURES, MANAGE_SECURITY, Access
from webapp.web.access import requires

bp = Blueprint("contract_settings", __name__, url_prefix="/c/<contract>/settings")


@bp.get("")
@requires(MANAGE_SECURITY)
def show(contract: str) -> str:
    now = _now()
    return _page(SettingsForm(formdata=None, name=now.name, time_zone=now.time_zone).opened_on(now))


@bp.post("")
@requires(MANAGE_SECURITY)
def change(contract: str) -> Response | tuple[str, int]:
    access: Access = g.access
    form = SettingsForm()
    was = form.was
    form.opened_on(_now())
    if not form.validate_on_submit():
        return _page(form), 422
    try:
        changed = save(access.contract.id, form.wanted, was=was, by_user_id=access.user.id)
    except ContractRefused as refused:
        form.refuse(refused.field, str(refused))
        form.was_name.data, form.was_time_zone.data = was.name, was.time_zone
        return _page(form), 422
    except SettingsChanged as meanwhile:
        form.opened_on(meanwhile.now)
        return _page(form, meanwhile=meanwhile.now), 409
    flash("The settings are saved." if changed else "Nothing was changed.", "success" if changed else "info")
    return redirect(url_for(".show", contract=contract))


def _now() -> Settings:
    access: Access = g.access
    return Settings(access.contract.name, access.contract.time_zone)


def _page(form: SettingsForm, meanwhile: Settings | None = None) -> str:
    access: Access = g.access
    return render_template(
        "contract_settings/show.html",
        form=form,
        meanwhile=meanwhile,
        used=licences_used(db.session(), access.contract.id),
        features=[(name, key in access.features) for key, name in FEATURES.items()],
    )
