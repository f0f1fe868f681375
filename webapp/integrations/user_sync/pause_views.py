"""Pause and Resume."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.core.models import Integration
from webapp.core.permissions import INTEGRATIONS, MANAGE_INTEGRATIONS
from webapp.integrations.connection.views import state_or_404
from webapp.integrations.shared import pause as use
from webapp.integrations.user_sync.pause_forms import PauseForm
from webapp.sync.schedule.schedule import Requester
from webapp.web.access import requires
from webapp.web.confirm_form import ConfirmForm

bp = Blueprint("pausing", __name__, url_prefix="/c/<contract>/integrations/platforms/<platform>/user-sync")


@bp.post("/pause")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def pause(contract: str, platform: str) -> Response:
    integration = _integration_or_404(platform)
    form = PauseForm()
    if not form.validate_on_submit():
        flash(f"{' '.join(form.reason.errors)} The schedule was not paused.", "error")
        return _back(contract, platform)
    try:
        paused = use.pause(
            integration.id, Requester(current_user.id, current_user.name), form.reason.data or ""
        )
    except use.NothingToPause:
        flash("User sync is off, so there is no schedule to pause.", "info")
    else:
        flash(
            "The schedule is paused. No run starts by itself until someone resumes it. Sync now still works, and a "
            "run that has already started finishes."
            if paused
            else "The schedule was paused already.",
            "success" if paused else "info",
        )
    return _back(contract, platform)


@bp.post("/resume")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def resume(contract: str, platform: str) -> Response:
    integration = _integration_or_404(platform)
    if not ConfirmForm().validate_on_submit():
        abort(400)
    if use.resume(integration.id):
        flash("The schedule is on again. If a run was due meanwhile, it starts within a minute.", "success")
    else:
        flash("The schedule was not paused.", "info")
    return _back(contract, platform)


def _integration_or_404(platform: str) -> Integration:
    state = state_or_404(platform)
    if state.integration is None:
        abort(404)
    return state.integration


def _back(contract: str, platform: str) -> Response:
    return redirect(url_for("user_sync.show", contract=contract, platform=platform))
