"""The decision about a held run: approve it, approve it and raise the limits, or reject it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash
from werkzeug.wrappers import Response

from webapp.core.models import SyncRun
from webapp.core.permissions import INTEGRATIONS, MANAGE_INTEGRATIONS
from webapp.integrations.connection.views import connected_once
from webapp.integrations.shared.lock_and_audit import AnotherRunLive, NotConnected, NotEnabled
from webapp.integrations.user_sync import held_run_service
from webapp.integrations.user_sync.views import me, run_or_404, to_run
from webapp.queue import wake
from webapp.web.access import requires

bp = Blueprint(
    "held_runs",
    __name__,
    url_prefix="/c/<contract>/integrations/platforms/<platform>/user-sync/runs/<int:run_id>",
)

GOES_ON = "It reads the list once more, and applies it unless somebody is concerned who is not shown here."


@bp.post("/approve")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def approve(contract: str, platform: str, run_id: int) -> Response:
    def decide(integration_id: int) -> tuple[SyncRun, str]:
        run = held_run_service.approve(integration_id, run_id, me())
        return run, f"Run {run_id} is approved. {GOES_ON}"

    return _decided(contract, platform, run_id, decide)


@bp.post("/approve-and-raise")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def approve_and_raise(contract: str, platform: str, run_id: int) -> Response:
    def decide(integration_id: int) -> tuple[SyncRun, str]:
        run, limits = held_run_service.approve_raising(integration_id, run_id, me())
        return run, (
            f"Run {run_id} is approved. {GOES_ON} From now on the safeguard holds a run that would lose more than "
            f"{limits.shrink_percent}% and at least {limits.shrink_people:,} people, or bring more than "
            f"{limits.growth_percent}% and at least {limits.growth_people:,} new users."
        )

    return _decided(contract, platform, run_id, decide)


@bp.post("/reject")
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def reject(contract: str, platform: str, run_id: int) -> Response:
    integration = connected_once(platform)[1]
    run_or_404(integration, run_id)
    try:
        left = held_run_service.reject(integration.id, run_id, me())
    except held_run_service.NotHeld:
        flash(_not_held(run_id), "info")
    else:
        flash(f"Run {run_id} is rejected. {left}", "success")
    return to_run(contract, run_id)


def _decided(
    contract: str, platform: str, run_id: int, decide: Callable[[int], tuple[SyncRun, str]]
) -> Response:
    """Let the run go on as ``decide`` says, or say why it cannot."""
    state, integration = connected_once(platform)
    run_or_404(integration, run_id)
    try:
        run, text = decide(integration.id)
    except held_run_service.NotHeld:
        flash(_not_held(run_id), "info")
    except NotConnected:
        flash(f"{state.platform.label} is not connected. Reconnect first, then approve.", "error")
    except NotEnabled:
        flash("User sync is off. Enable it first, then approve.", "error")
    except AnotherRunLive:
        flash("Another run is going on. Wait until it ends, then decide again.", "warning")
    else:
        if not wake.wake_soon(run.id, run.attempt):
            text += " It begins as soon as the queue is reachable again."
        flash(text, "success")
    return to_run(contract, run_id)


def _not_held(run_id: int) -> str:
    return f"Run {run_id} was not waiting for a decision any more, so nothing was changed."
