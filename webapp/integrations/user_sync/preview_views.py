"""Asking for a preview and applying it. How it ended is read on the page of its run."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, flash, render_template, request, url_for
from werkzeug.wrappers import Response

from webapp.core.models import Integration, SyncRun, db
from webapp.core.numbers import id_in
from webapp.core.permissions import INTEGRATIONS, MANAGE_INTEGRATIONS
from webapp.integrations.connection.views import connected_once, frame
from webapp.integrations.shared.lock_and_audit import AnotherRunLive, NotConnected, NotEnabled
from webapp.integrations.shared.platform_status import PlatformState
from webapp.integrations.user_sync import preview_service
from webapp.integrations.user_sync.forms import IdentifierForm, UserTypesForm
from webapp.integrations.user_sync.preview_forms import TryForm
from webapp.integrations.user_sync.views import me, page, refused, run_or_404, to_run
from webapp.queue import wake as queue_wake
from webapp.sync.plan.what_if import WhatIf, what_if_of
from webapp.web.access import requires

bp = Blueprint("previews", __name__, url_prefix="/c/<contract>/integrations/platforms/<platform>/user-sync")


@bp.get("/preview")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def form(contract: str, platform: str) -> str:
    """Several settings to try together: the saved ones, or those of the preview ``?of=``."""
    state, integration = connected_once(platform)
    tried = _tried(integration, id_in(request.args.get("of")))
    return _form(state, contract, TryForm.trying(state.platform, integration.user_sync, tried))


@bp.post("/preview")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def ask(contract: str, platform: str) -> Response | tuple[str, int]:
    """A preview of the saved settings, or with what the form holds: a column, the types, or all together."""
    state, integration = connected_once(platform)
    sync = integration.user_sync
    what_if = WhatIf()
    if "together" in request.form:
        trying = TryForm.trying(state.platform, sync, WhatIf())
        if not trying.validate_on_submit():
            return _form(state, contract, trying), 422
        what_if = trying.what_if(state.platform, sync)
    elif "column" in request.form:
        identifier = IdentifierForm()
        if not identifier.validate_on_submit():
            return page(state, contract, identifier=identifier), 422
        what_if = WhatIf(identifier_column=identifier.column.data or None)
    elif "with_types" in request.form:
        types = UserTypesForm.of(state.platform, sync)
        if not types.validate_on_submit():
            return page(state, contract, types=types), 422
        ticked = set(types.types.data)
        what_if = WhatIf(
            left_out_types=sorted(one.value for one in types.types.choices if one.value not in ticked)
        )
    return begin(state, integration, contract, what_if)


def begin(state: PlatformState, integration: Integration, contract: str, what_if: WhatIf) -> Response:
    """Make the preview, wake a worker for it, and go to where it is read."""
    try:
        run = preview_service.request_preview(integration.id, me(), what_if)
    except NotConnected:
        return refused(state, contract, f"{state.platform.label} is not connected. Connect it first.")
    if not queue_wake.wake_soon(run.id, run.attempt):
        flash("The preview begins as soon as the queue is reachable again.", "info")
    return to_run(contract, run.id)


@bp.post("/runs/<int:run_id>/apply")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def apply(contract: str, platform: str, run_id: int) -> Response:
    state, integration = connected_once(platform)
    run_or_404(integration, run_id)
    try:
        run = preview_service.apply_preview(integration.id, run_id, me())
    except preview_service.PreviewGone:
        flash("This preview is too old to be applied. Nothing was changed; preview again.", "warning")
    except NotConnected:
        flash(f"{state.platform.label} is not connected. Nothing was changed. Reconnect first.", "error")
    except NotEnabled:
        flash("User sync is off. Nothing was changed. Enable it first, then apply.", "error")
    except AnotherRunLive:
        flash("A run is going on. Nothing was changed. Wait until it ends, then preview again.", "warning")
    else:
        queue_wake.wake_soon(run.id, run.attempt)
        flash(
            "Applying. The run does just what the preview showed, or nothing if anything has changed.",
            "success",
        )
        run_id = run.id
    return to_run(contract, run_id)


def _tried(integration: Integration, run_id: int | None) -> WhatIf:
    """What a preview of this integration tried; nothing when there is no such preview any more."""
    if run_id is None:
        return WhatIf()
    stored = db.session.scalar(
        sa.select(SyncRun.what_if).where(
            SyncRun.id == run_id, SyncRun.integration_id == integration.id, SyncRun.preview
        )
    )
    return what_if_of(stored)


def _form(state: PlatformState, contract: str, trying: TryForm) -> str:
    connected = state.integration is not None and state.integration.connection == "connected"
    return render_template(
        "previews/form.html",
        **frame(state, contract, "user_sync"),
        form=trying,
        ask_url=url_for(".ask", contract=contract, platform=state.platform.key),
        back_url=url_for("user_sync.show", contract=contract, platform=state.platform.key),
        why_not=None if connected else f"Connect {state.platform.label} first.",
    )
