"""The User sync tab of a platform."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_login import current_user
from werkzeug.wrappers import Response

from config import Settings
from webapp.core.models import Integration, SyncRun, UserSync, db, utcnow
from webapp.core.permissions import INTEGRATIONS, MANAGE_INTEGRATIONS, MANAGE_USERS
from webapp.integrations.connection.views import connected_once, frame, state_or_404
from webapp.integrations.shared.lock_and_audit import NotConnected, NotEnabled, limits_of
from webapp.integrations.shared.platform_status import PlatformState
from webapp.integrations.shared.run_rows import RunRow, recent_runs
from webapp.integrations.user_sync import settings as use
from webapp.integrations.user_sync.columns import column_rows
from webapp.integrations.user_sync.counting import people_counts
from webapp.integrations.user_sync.forms import DisableForm, IdentifierForm, SafeguardForm, UserTypesForm
from webapp.queue import wake
from webapp.queue.platform_waits import waits_of
from webapp.sync.plan.safeguard import Limits
from webapp.sync.schedule.schedule import Requested, Requester
from webapp.web.access import requires
from webapp.web.confirm_form import ConfirmForm
from webapp.web.forms import one_line
from webapp.web.times import zone_of_request

bp = Blueprint("user_sync", __name__, url_prefix="/c/<contract>/integrations/platforms/<platform>/user-sync")


@bp.get("")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def show(contract: str, platform: str) -> str:
    state = state_or_404(platform)
    return page(state, contract)


def page(
    state: PlatformState,
    contract: str,
    *,
    identifier: IdentifierForm | None = None,
    types: UserTypesForm | None = None,
    safeguard: SafeguardForm | None = None,
) -> str:
    """The tab; a form that came back with errors is shown instead of the stored values."""
    sync = state.sync or _unsaved()
    columns = column_rows(sync.columns_seen or [])
    return render_template(
        "user_sync/show.html",
        **frame(state, contract, "user_sync"),
        **_panel(state, contract),
        columns=columns,
        identifier_form=identifier or IdentifierForm(formdata=None, column=sync.identifier_column),
        types_form=types or UserTypesForm.of(state.platform, sync),
        safeguard_form=safeguard or SafeguardForm(formdata=None, **msgspec.structs.asdict(limits_of(sync))),
        types_url=_url("save_types", state, contract),
        identifier_url=_url("save_identifier", state, contract),
        safeguard_url=_url("save_safeguard", state, contract),
        enable_url=_url("enable", state, contract),
        disable_page_url=_url("disable", state, contract),
        can_enable=state.integration is not None and state.integration.connection == "connected",
        why_not_save=None if state.integration else f"Connect {state.platform.label} first.",
        why_not_enable="Reconnect first."
        if state.integration is not None and state.integration.connection == "broken"
        else f"Connect {state.platform.label} first.",
        runs=recent_runs(g.access.contract.id, contract, integration_id=state.integration.id)
        if state.integration
        else [],
        sandbox=state.platform.client(_settings()).sandbox,
    )


def _unsaved() -> UserSync:
    """The settings a platform starts with, for one that was never connected."""
    return UserSync(enabled=False, **msgspec.structs.asdict(Limits()))


def _panel(state: PlatformState, contract: str) -> dict[str, Any]:
    """What the live panel shows, alone or within the page."""
    sync = state.sync or _unsaved()
    live = RunRow(state.live, contract, state.platform) if state.live else None
    last = RunRow(state.last, contract, state.platform) if state.last else None
    counts = people_counts(db.session(), state.integration) if state.integration else None
    users_url = None
    if g.access.may(MANAGE_USERS):
        users_url = url_for("users.index", contract=contract, status="pending", platform=state.platform.key)
    return {
        "sync": sync,
        "live": live,
        "run": live,
        "last_run": last,
        "waits": waits_of(live.run, state.platform.label, utcnow().timestamp()) if live else None,
        "result_text": last.message if last else None,
        "first_import": live is not None and sync.last_success_at is None and not live.undo,
        "why_not_sync_now": state.why_not_sync_now,
        "sync_now_url": _url("sync_now", state, contract),
        "panel_url": _url("panel", state, contract),
        "preview_url": url_for("previews.ask", contract=contract, platform=state.platform.key),
        "try_url": url_for("previews.form", contract=contract, platform=state.platform.key),
        "can_preview": state.integration is not None and state.integration.connection == "connected",
        "pause_url": url_for("pausing.pause", contract=contract, platform=state.platform.key),
        "resume_url": url_for("pausing.resume", contract=contract, platform=state.platform.key),
        "next_run_at": state.next_run_at,
        "schedule_times": _schedule_times(state.next_run_at),
        "zone": zone_of_request().key,
        "counts": counts,
        "pending_url": users_url,
        "missing_url": url_for("users.index", contract=contract, status="active", missing=state.platform.key)
        if users_url
        else None,
    }


@bp.get("/panel")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def panel(contract: str, platform: str) -> Response:
    """The live panel alone, for polling; the page is loaded anew once the run has ended."""
    state = state_or_404(platform)
    response = make_response(
        render_template(
            "user_sync/_progress.html", **frame(state, contract, "user_sync"), **_panel(state, contract)
        )
    )
    if state.live is None:
        response.headers["X-Poll"] = "stop"
        response.headers["X-Poll-Reload"] = "1"
    return response


@bp.post("/identifier")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def save_identifier(contract: str, platform: str) -> Response | tuple[str, int]:
    state, integration = connected_once(platform)
    form = IdentifierForm()
    if "use" in request.form:  # a column's own button in the list of columns
        form.column.data = one_line(request.form["use"])
    if not form.validate_on_submit():
        return page(state, contract, identifier=form), 422
    column = form.column.data or None
    changed = use.save_identifier(integration.id, column)
    what = f"the column “{column}”" if column else "username, third-party ID and email"
    flash(
        f"People are recognised by {what}{', from the next run on' if changed else ', as before'}.", "success"
    )
    return back(state, contract)


@bp.post("/types")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def save_types(contract: str, platform: str) -> Response | tuple[str, int]:
    state, integration = connected_once(platform)
    if not state.platform.user_types:
        return refused(state, contract, f"{state.platform.label} has no user types to choose from.", "info")
    form = UserTypesForm.of(state.platform, integration.user_sync)
    if not form.validate_on_submit():
        return page(state, contract, types=form), 422
    ticked = set(form.types.data)
    labels = {one.value: one.label for one in form.types.choices}
    changed = use.save_types(
        integration.id,
        left_out={key: label for key, label in labels.items() if key not in ticked},
        imported={key: label for key, label in labels.items() if key in ticked},
    )
    flash(
        "Saved. The next run imports these types; nobody already here is removed."
        if changed
        else "Nothing was changed: these types were chosen already.",
        "success",
    )
    return back(state, contract)


@bp.post("/safeguard")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def save_safeguard(contract: str, platform: str) -> Response | tuple[str, int]:
    state, integration = connected_once(platform)
    form = SafeguardForm()
    if not form.validate_on_submit():
        return page(state, contract, safeguard=form), 422
    limits = form.limits()
    changed = use.save_safeguard(integration.id, limits)
    flash(
        f"The safeguard holds a run that would lose more than {limits.shrink_percent}% and at least "
        f"{limits.shrink_people:,} people, or bring more than {limits.growth_percent}% and at least "
        f"{limits.growth_people:,} new users{'' if changed else ', as before'}.",
        "success",
    )
    return back(state, contract)


@bp.post("/enable")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def enable(contract: str, platform: str) -> Response:
    state, integration = connected_once(platform)
    first = integration.user_sync.last_success_at is None
    undoing = state.live is not None and state.live.trigger == "undo"
    try:
        requested = use.enable(integration.id, me(), _settings())
    except NotConnected:
        return refused(
            state,
            contract,
            f"{state.platform.label} is not connected, so nothing can be imported. Connect it first.",
        )
    what = "The first import has started" if first else "A run has started"
    if undoing:
        what = "A run starts as soon as the undo has ended"
    return _woken(requested, state, contract, f"User sync is enabled. {what}.")


@bp.route("/disable", methods=["GET", "POST"])
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def disable(contract: str, platform: str) -> str | Response | tuple[str, int]:
    """GET asks, POST disables."""
    state, integration = connected_once(platform)
    if not integration.user_sync.enabled:
        return refused(state, contract, "User sync is off already.", "info")
    form = DisableForm()
    status = 200
    if request.method == "POST":
        if form.validate_on_submit():
            use.disable(integration.id, me(), stop_running=form.running.data == "stop")
            flash("User sync is disabled. Everyone already imported stays exactly as they are.", "success")
            return back(state, contract)
        status = 422
    page = render_template(
        "user_sync/disable.html",
        **frame(state, contract, "user_sync"),
        form=form,
        live=RunRow(state.live, contract, state.platform) if state.live else None,
        confirm_url=request.path,
        cancel_url=_url("show", state, contract),
    )
    return page, status


@bp.post("/sync-now")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def sync_now(contract: str, platform: str) -> Response:
    state, integration = connected_once(platform)
    try:
        requested = use.sync_now(integration.id, me())
    except NotConnected:
        return refused(state, contract, f"{state.platform.label} is not connected. Connect it first.")
    except NotEnabled:
        return refused(state, contract, "User sync is off. Enable it first.")
    text = (
        "A run was already going on, so your request joins it." if requested.joined else "A run has started."
    )
    if requested.run.trigger == "undo":
        wait = (
            "press Sync now again then"
            if state.sync and state.sync.paused_at
            else "a run starts by itself then"
        )
        return refused(state, contract, f"An undo is going on. Wait until it has ended; {wait}.", "info")
    return _woken(requested, state, contract, text)


@bp.post("/runs/<int:run_id>/cancel")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def cancel(contract: str, platform: str, run_id: int) -> Response:
    integration = connected_once(platform)[1]
    run_or_404(integration, run_id)
    preview = db.session.scalar(sa.select(SyncRun.preview).where(SyncRun.id == run_id))
    if use.cancel(integration.id, run_id, me()):
        text = (
            "The preview is stopped. Nothing was saved or changed."
            if preview
            else f"Run {run_id} stops at its next batch. What was written before stays."
        )
        flash(text, "success")
    else:
        flash(f"Run {run_id} had ended already.", "info")
    return to_run(contract, run_id)


def run_or_404(integration: Integration, run_id: int) -> None:
    """Refuse what is no confirmed form, and a run of another integration."""
    if not ConfirmForm().validate_on_submit():
        abort(400)
    found = db.session.scalar(
        sa.select(SyncRun.id).where(SyncRun.id == run_id, SyncRun.integration_id == integration.id)
    )
    if found is None:
        abort(404)


def _woken(requested: Requested, state: PlatformState, contract: str, text: str) -> Response:
    if not requested.joined and not wake.wake_soon(requested.run.id, requested.run.attempt):
        text += " It begins as soon as the queue is reachable again; you need not do anything."
    flash(text, "success")
    return back(state, contract)


def refused(state: PlatformState, contract: str, text: str, category: str = "error") -> Response:
    flash(text, category)
    return back(state, contract)


def _schedule_times(next_run_at: datetime | None) -> list[str]:
    """The times of day it runs, in the contract's zone: every six hours through the next run's time."""
    if next_run_at is None:
        return []
    every = _settings().sync_every
    slots = [next_run_at + every * index for index in range(max(1, timedelta(days=1) // every))]
    return sorted(f"{slot.astimezone(zone_of_request()):%H:%M}" for slot in slots)


def me() -> Requester:
    return Requester(current_user.id, current_user.name)


def _url(endpoint: str, state: PlatformState, contract: str) -> str:
    return url_for(f"user_sync.{endpoint}", contract=contract, platform=state.platform.key)


def back(state: PlatformState, contract: str) -> Response:
    return redirect(_url("show", state, contract))


def to_run(contract: str, run_id: int) -> Response:
    return redirect(url_for("sync_status.run", contract=contract, run_id=run_id))


def _settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found
