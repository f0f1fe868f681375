"""Files of a run. What leaves the house is asked for by a form and stands in the audit log."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, current_app, g, render_template, request

from config import Settings
from webapp.core import heartbeat
from webapp.core.models import db, utcnow
from webapp.core.permissions import INTEGRATIONS, MANAGE_INTEGRATIONS, VIEW_SYNC_STATUS
from webapp.integrations.runs.bundle import CONTENTS, bundle_of
from webapp.integrations.runs.changes import Filters
from webapp.integrations.runs.export import Export, note
from webapp.integrations.runs.redaction import Pseudonyms
from webapp.integrations.runs.views import run_or_404
from webapp.integrations.shared.platform_status import platform_state
from webapp.integrations.shared.run_rows import RunRow
from webapp.queue import wake
from webapp.web.access import requires
from webapp.web.confirm_form import ConfirmForm
from webapp.web.exports.send import FORMS, attachment, file_answer, form_asked

bp = Blueprint("run_files", __name__, url_prefix="/c/<contract>/sync-status/runs/<int:run_id>")


@bp.post("/export")
@requires(VIEW_SYNC_STATUS, MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def export(contract: str, run_id: int) -> Response:
    """The run's lines that pass the page's filters, as the form's ``form``, sent while they are read."""
    row = run_or_404(contract, run_id)
    form = form_asked(more=("json",))
    if not ConfirmForm().validate_on_submit():
        abort(400)
    run, platform = row.run, row.platform
    db.session.refresh(run)
    db.session.expunge(run)
    wanted = Export(run, platform, contract, Filters.of(request.form))
    chosen = {name: value for name in ("kind", "reason", "q") if (value := getattr(wanted.filters, name))}
    said = {"as": FORMS.get(form, "JSON"), **chosen}
    return file_answer(wanted, form, wanted.stem, lambda: note(run, platform, "user_sync.exported", said))


@bp.route("/bundle", methods=["GET", "POST"])
@requires(VIEW_SYNC_STATUS, MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def bundle(contract: str, run_id: int) -> str | Response:
    """GET says what is in the bundle, POST makes it."""
    row = run_or_404(contract, run_id)
    if request.method == "POST":
        return _packed(row)
    return render_template(
        "run_files/bundle.html",
        run=row,
        platform=row.platform,
        contents=CONTENTS,
        download_url=request.path,
    )


def _packed(row: RunRow) -> Response:
    if not ConfirmForm().validate_on_submit():
        abort(400)
    now = utcnow()
    state = platform_state(g.access.contract, row.platform.key)
    if state is None:
        abort(404)
    around: dict[str, Any] = {
        name: heartbeat.seen(name, now).seen_at for name in (heartbeat.SCHEDULER, heartbeat.WORKER)
    }
    around["queue"] = wake.depth()
    settings: Settings = current_app.extensions["settings"]
    packed = bundle_of(
        db.session(), row.run, state, Pseudonyms(settings.secret_key, row.run.contract_id), around, now
    )
    note(row.run, row.platform, "user_sync.bundled", {})
    return attachment([packed], f"support-run-{row.run.id}.zip", "application/zip")
