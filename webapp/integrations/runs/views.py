"""Sync status, and one run in full. Nothing here changes anything."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, abort, current_app, g, make_response, render_template, request, url_for
from werkzeug.wrappers import Response

from config import Settings
from webapp.core.models import Integration, SyncRun, UserSync, db, utcnow
from webapp.core.permissions import INTEGRATIONS, MANAGE_INTEGRATIONS, MANAGE_USERS, VIEW_SYNC_STATUS, Access
from webapp.integrations.runs import undo_service
from webapp.integrations.runs.changes import (
    DIFFERS,
    Filters,
    calls_in_words,
    calls_of,
    changes_of,
    counters,
    counts_by_kind,
    differing,
    reasons_of,
)
from webapp.integrations.runs.compare import other_runs
from webapp.integrations.runs.preview_comparison import compared, tried
from webapp.integrations.runs.processes import processes
from webapp.integrations.shared.lock_and_audit import limits_of
from webapp.integrations.shared.platform_status import PlatformState, platform_states
from webapp.integrations.shared.run_rows import RunRow, recent_runs
from webapp.integrations.user_sync.held_run_service import limits_raised
from webapp.platforms.registry import PLATFORMS
from webapp.queue.platform_waits import waits_of
from webapp.sync.run.change_words import KEPT, KIND_LABELS, WOULD_LABELS
from webapp.sync.run.preview import LIFETIME
from webapp.web.access import requires
from webapp.web.paging import url_with

bp = Blueprint("sync_status", __name__, url_prefix="/c/<contract>/sync-status")

CHART_RUNS = 28
RAISED = {
    "shrink_percent": "losing, in percent",
    "shrink_people": "losing, in people",
    "growth_percent": "new users, in percent",
    "growth_people": "new users, in people",
}
PROMISE = (
    "Each platform syncs every 6 hours while its schedule is on. "
    "A sync is late after 6 h 30 min and overdue after 12 h."
)


@bp.get("")
@requires(VIEW_SYNC_STATUS, feature=INTEGRATIONS, support=True)
def index(contract: str) -> str:
    access: Access = g.access
    return render_template(
        "sync_status/index.html",
        **_health(access, contract),
        fleet_url=url_for("support.index") if access.as_support else None,
        runs=recent_runs(access.contract.id, contract, limit=10, closed=access.as_support),
        promise=PROMISE,
        panel_url=url_for(".panel", contract=contract),
        can_manage=access.may(MANAGE_INTEGRATIONS),
    )


@bp.get("/panel")
@requires(VIEW_SYNC_STATUS, feature=INTEGRATIONS, support=True)
def panel(contract: str) -> str:
    """The state of the platforms alone, for polling."""
    return render_template("sync_status/_health.html", **_health(g.access, contract))


def _health(access: Access, contract: str) -> dict[str, Any]:
    now = utcnow()
    states = [state for state in platform_states(access.contract, now) if state.integration is not None]
    history = _history([state.integration.id for state in states if state.integration])
    failures = _last_failures([state.integration.id for state in states if state.integration])
    return {
        "rows": [_row(state, contract, history, failures, access.as_support) for state in states],
        **processes(now),
    }


def _row(
    state: PlatformState,
    contract: str,
    history: dict[int, list[SyncRun]],
    failures: dict[int, SyncRun],
    closed: bool,
) -> dict[str, Any]:
    integration, sync = state.integration, state.sync
    if integration is None or sync is None:
        raise ValueError("only connected platforms have a row")
    failure = failures.get(integration.id)
    health = state.health
    chart = [RunRow(run, contract, state.platform, closed) for run in history.get(integration.id, [])]
    return {
        "platform": state.platform,
        "status": health.status,
        "message": health.message_without_people if closed else health.message,
        "freshness": health.freshness,
        "since": health.since,
        "last_success_at": sync.last_success_at,
        "last_failure_at": failure.finished_at if failure else None,
        "last_failure": failure.message if failure else None,
        "next_run_at": state.next_run_at,
        "sync_enabled": sync.enabled,
        "chart": chart,
        "runs_url": chart[-1].url if chart else None,
    }


def _history(integration_ids: list[int]) -> dict[int, list[SyncRun]]:
    """The last runs of each integration, oldest first, in one statement."""
    if not integration_ids:
        return {}
    ranked = (
        sa.select(
            SyncRun.id,
            sa.func.row_number()
            .over(partition_by=SyncRun.integration_id, order_by=SyncRun.id.desc())
            .label("place"),
        )
        .where(SyncRun.integration_id.in_(integration_ids), ~SyncRun.preview, SyncRun.trigger != "undo")
        .subquery()
    )
    runs = db.session.scalars(
        sa.select(SyncRun)
        .join(ranked, ranked.c.id == SyncRun.id)
        .where(ranked.c.place <= CHART_RUNS)
        .order_by(SyncRun.id)
    )
    found: dict[int, list[SyncRun]] = {}
    for run in runs:
        found.setdefault(run.integration_id, []).append(run)
    return found


def _last_failures(integration_ids: list[int]) -> dict[int, SyncRun]:
    if not integration_ids:
        return {}
    newest = (
        sa.select(sa.func.max(SyncRun.id))
        .where(
            SyncRun.integration_id.in_(integration_ids),
            SyncRun.state == "failed",
            ~SyncRun.preview,
            SyncRun.trigger != "undo",
        )
        .group_by(SyncRun.integration_id)
    )
    runs = db.session.scalars(sa.select(SyncRun).where(SyncRun.id.in_(newest)))
    return {run.integration_id: run for run in runs}


@bp.get("/runs/<int:run_id>")
@requires(VIEW_SYNC_STATUS, MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def run(contract: str, run_id: int) -> str:
    access: Access = g.access
    row = run_or_404(contract, run_id)
    filters = Filters.of(request.args)
    can_manage = access.may(MANAGE_INTEGRATIONS)

    def user_url(user: int) -> str | None:
        return url_for("users.show", contract=contract, user=user) if access.may(MANAGE_USERS) else None

    changes, page = changes_of(row.run, filters, user_url)
    lines = counts_by_kind(row.run)
    sync = db.session.get_one(UserSync, row.run.integration_id)
    address: dict[str, Any] = {"contract": contract, "platform": row.platform.key, "run_id": run_id}
    return render_template(
        "sync_status/run.html",
        run=row,
        waits=waits_of(row.run, row.platform.label, utcnow().timestamp()),
        platform=row.platform,
        counters=[
            item
            | {"url": url_with(kind=item["kind"]) if item["kind"] and item["value"] else None}
            | ({} if row.counted else {"value": "–"})
            for item in counters(row.run, lines)
        ],
        filters=_filters(row.run, lines, filters.kind),
        reason=filters.reason,
        reasons=reasons_of(row.run),
        changes=changes,
        page=page,
        q=filters.q,
        requests=calls_of(row.run),
        calls_said=calls_in_words(row.run),
        address=f"{_settings().public_url}{row.url}",
        others=other_runs(row.run, contract, row.platform),
        timeline=[entry | {"at": datetime.fromisoformat(entry["at"])} for entry in row.timeline or []],
        **_preview(row, sync, address, can_manage),
        **_decision(row, sync, address, can_manage),
        can_manage=can_manage,
        undo_url=url_for("undo.ask", contract=contract, run_id=run_id)
        if can_manage and access.may(MANAGE_USERS) and undo_service.why_not(row.run) is None
        else None,
        undos=[RunRow(one, contract, row.platform) for one in undo_service.undone_by(row.run)],
        panel_url=url_for(".run_panel", contract=contract, run_id=run_id),
    )


@bp.get("/runs/<int:run_id>/panel")
@requires(VIEW_SYNC_STATUS, MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def run_panel(contract: str, run_id: int) -> Response:
    """The progress of a run alone, for polling; the page is loaded anew once it has ended."""
    row = run_or_404(contract, run_id)
    response = make_response(
        render_template(
            "sync_status/_run_progress.html",
            run=row,
            waits=waits_of(row.run, row.platform.label, utcnow().timestamp()),
            can_manage=g.access.may(MANAGE_INTEGRATIONS),
        )
    )
    if not row.live:
        response.headers["X-Poll"] = "stop"
        response.headers["X-Poll-Reload"] = "1"
    return response


def _preview(row: RunRow, sync: UserSync, address: dict[str, Any], can_manage: bool) -> dict[str, Any]:
    """What the page of a preview shows besides: what was tried, the comparison, and what to do with it."""
    if not row.run.preview:
        return {}
    place = {name: address[name] for name in ("contract", "platform")}
    return {
        "tried": tried(row.run, row.platform, sync),
        "compared": compared(row.run),
        "kept_until": row.run.queued_at + LIFETIME,
        "apply_url": url_for("previews.apply", **address)
        if can_manage and sync.enabled and _may_be_applied(row.run)
        else None,
        "sync_off": not sync.enabled,
        "change_url": url_for("previews.form", **place, of=row.run.id) if can_manage else None,
    }


def _decision(row: RunRow, sync: UserSync, address: dict[str, Any], can_manage: bool) -> dict[str, Any]:
    """How somebody who may decides about a held run."""
    if not can_manage or row.state != "held":
        return {}
    before, after = limits_of(sync), limits_raised(row.run, sync)
    return {
        "approve_url": url_for("held_runs.approve", **address),
        "reject_url": url_for("held_runs.reject", **address),
        "raise_url": url_for("held_runs.approve_and_raise", **address) if after != before else None,
        "raised": [
            (RAISED[name], getattr(before, name), getattr(after, name))
            for name in RAISED
            if getattr(before, name) != getattr(after, name)
        ],
    }


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings


def _may_be_applied(run_: SyncRun) -> bool:
    """Whether a preview ended well and is not past its day."""
    return run_.fingerprint is not None and utcnow() - run_.queued_at < LIFETIME


def run_or_404(contract: str, run_id: int) -> RunRow:
    found = db.session.execute(
        sa.select(SyncRun, Integration.platform)
        .join(Integration, Integration.id == SyncRun.integration_id)
        .where(SyncRun.id == run_id, Integration.contract_id == g.access.contract.id)
    ).one_or_none()
    if found is None:
        abort(404)
    return RunRow(found[0], contract, PLATFORMS[found[1]])


def _filters(run_: SyncRun, counts: dict[str, int], kind: str | None) -> list[dict[str, Any]]:
    labels = WOULD_LABELS if run_.preview or run_.proposed else KIND_LABELS
    if run_.undoes_id is not None:
        labels = labels | {"left_out": KEPT}
    everything = {
        "label": "All changes",
        "count": sum(counts.values()),
        "url": url_with(kind=None, page=None),
        "current": kind not in (*KIND_LABELS, DIFFERS),
    }
    other = {
        "label": "Not as saved",
        "count": differing(run_) if run_.saved_counts else 0,
        "url": url_with(kind=DIFFERS, page=None),
        "current": kind == DIFFERS,
    }
    return [
        everything,
        *([other] if other["count"] or other["current"] else []),
        *(
            {"label": label, "count": counts[key], "url": url_with(kind=key), "current": key == kind}
            for key, label in labels.items()
            if key in counts
        ),
    ]
