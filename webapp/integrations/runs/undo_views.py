"""The page that undoes a run: what cannot go back any more comes first, then what will."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.core.models import Integration, SyncRun, UserSync, db
from webapp.core.permissions import (
    INTEGRATIONS,
    MANAGE_INTEGRATIONS,
    MANAGE_USERS,
    PERMISSIONS,
    Access,
    Refusal,
    Refused,
)
from webapp.integrations.runs import undo_service
from webapp.integrations.runs.undo_forms import UndoForm
from webapp.integrations.shared.run_rows import RunRow
from webapp.platforms.registry import PLATFORMS
from webapp.queue import wake
from webapp.sync.run import undo_words
from webapp.sync.run.undo_verdicts import GOES_BACK, STAYS
from webapp.sync.schedule.schedule import Requester
from webapp.web.access import requires
from webapp.web.paging import page_of, url_with

bp = Blueprint("undo", __name__, url_prefix="/c/<contract>/sync-status/runs/<int:run_id>/undo")

WHY_NOT = {
    undo_service.NOT_OVER: "This run is not over yet, so there is nothing to undo.",
    undo_service.NO_SYNC: "Only a run that synced people can be undone.",
    undo_service.LINES_REMOVED: "The lines of this run were removed for their age, so nobody can tell any more what it "
    "changed. It cannot be undone.",
    undo_service.NOTHING: "Nothing of this run can go back any more.",
}
CHANGED = "Something has changed since this page was shown, so nobody was changed. Look again: this is how it is now."
RUN_LIVE = (
    "A run is going on for {platform}. Nobody was changed. Wait until it has ended, or stop it, then undo."
)


@bp.route("", methods=["GET", "POST"])
@requires(MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def ask(contract: str, run_id: int) -> str | Response | tuple[str, int]:
    """GET shows what an undo would do, POST begins it."""
    row, sync = _run_or_404(contract, run_id)
    if request.method != "POST":
        return _page(row, sync, UndoForm(formdata=None))
    here = redirect(url_for(".ask", contract=contract, run_id=run_id))
    why = undo_service.why_not(row.run)
    if why is not None:  # there is no form then whose fields could be wrong
        flash(f"{WHY_NOT[why]} Nobody was changed.", "info")
        return here
    form = UndoForm()
    if not form.validate_on_submit():
        return _page(row, sync, form), 422
    try:
        requested = undo_service.undo(
            row.integration_id,
            run_id,
            Requester(current_user.id, current_user.name),
            stamp=form.stamp.data or "",
            then=form.then.data,
        )
    except undo_service.NotUndoable as refused:
        flash(f"{WHY_NOT[refused.why]} Nobody was changed.", "info")
        return here
    except undo_service.AnotherRunLive:
        flash(RUN_LIVE.format(platform=row.platform.label), "warning")
        return here
    except undo_service.ChangedMeanwhile:
        flash(CHANGED, "warning")
        return here
    text = f"Run {run_id} is being undone."
    if not wake.wake_soon(requested.id, requested.attempt):
        text += " It begins as soon as the queue is reachable again; you need not do anything."
    if sync.enabled and form.then.data == undo_service.PAUSE:
        text += f" The schedule of {row.platform.label} is paused until somebody resumes it."
    flash(text, "success")
    return redirect(url_for("sync_status.run", contract=contract, run_id=requested.id))


def _page(row: RunRow, sync: UserSync, form: UndoForm) -> str:
    why = undo_service.why_not(row.run)
    found = undo_service.verdicts(row.run) if why is None else None
    counts = found.counts if found else {}
    live = undo_service.live(row.integration_id)
    staying = found.staying if found else 0
    stays_shown = bool(staying) and request.args.get("show") != "goes"
    wanted: tuple[str, ...] = STAYS if stays_shown else GOES_BACK
    page = page_of(staying if stays_shown else found.going if found else 0)
    form.stamp.data = found.stamp if found else ""
    return render_template(
        "undo/ask.html",
        run=row,
        platform=row.platform,
        why_not=WHY_NOT[why] if why else None,
        found=found,
        counts=counts,
        reasons=[(undo_words.STAYS[key][1], counts[key]) for key in STAYS if key in counts],
        stays_shown=stays_shown,
        pills_list=_pills(found, stays_shown) if found else [],
        people=undo_service.people(row.run, wanted, page) if found and page.total else [],
        stays_words=undo_words.STAYS,
        goes_words=undo_words.GOES,
        page=page,
        form=form,
        sync=sync,
        live=RunRow(live, row.slug, row.platform) if live else None,
        undos=[RunRow(one, row.slug, row.platform) for one in undo_service.undone_by(row.run)],
        user_sync_url=url_for("user_sync.show", contract=row.slug, platform=row.platform.key),
    )


def _pills(found: Any, stays_shown: bool) -> list[dict[str, Any]]:
    stay = {
        "label": "Cannot go back",
        "count": found.staying,
        "url": url_with(show=None),
        "current": stays_shown,
    }
    goes = {
        "label": "Goes back",
        "count": found.going,
        "url": url_with(show="goes"),
        "current": not stays_shown,
    }
    return [stay, goes] if found.staying else [goes]


def _run_or_404(contract: str, run_id: int) -> tuple[RunRow, UserSync]:
    """The run and the settings of its integration, for somebody who may change users as well."""
    access: Access = g.access
    if not access.may(MANAGE_USERS):
        raise Refused(Refusal("permission", MANAGE_USERS, PERMISSIONS[MANAGE_USERS]))
    found = db.session.execute(
        sa.select(SyncRun, Integration.platform, UserSync)
        .join(Integration, Integration.id == SyncRun.integration_id)
        .join(UserSync, UserSync.integration_id == Integration.id)
        .where(SyncRun.id == run_id, Integration.contract_id == access.contract.id)
    ).one_or_none()
    if found is None:
        abort(404)
    return RunRow(found[0], contract, PLATFORMS[found[1]]), found[2]
