"""Comparing a run with any other of the same platform."""

from __future__ import annotations

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from webapp.core.numbers import id_in
from webapp.core.permissions import INTEGRATIONS, MANAGE_INTEGRATIONS, VIEW_AUDIT, VIEW_SYNC_STATUS
from webapp.integrations.runs import compare as runs_compare
from webapp.integrations.runs.views import run_or_404
from webapp.web.access import requires
from webapp.web.paging import url_with

bp = Blueprint("run_compare", __name__, url_prefix="/c/<contract>/sync-status/runs/<int:run_id>/compare")


@bp.get("")
@requires(VIEW_SYNC_STATUS, MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def choose(contract: str, run_id: int) -> Response:
    """From the chooser of the run's page to the comparison."""
    run_or_404(contract, run_id)
    other_id = id_in(request.args.get("with", "").strip())
    if other_id is None or other_id == run_id:
        flash("Choose another run of the same platform to compare with.", "info")
        return redirect(url_for("sync_status.run", contract=contract, run_id=run_id))
    return redirect(url_for(".compare", contract=contract, run_id=run_id, other_id=other_id))


@bp.get("/<int:other_id>")
@requires(VIEW_SYNC_STATUS, MANAGE_INTEGRATIONS, feature=INTEGRATIONS)
def compare(contract: str, run_id: int, other_id: int) -> str:
    a, b = run_or_404(contract, run_id), run_or_404(contract, other_id)
    if a.integration_id != b.integration_id:
        abort(404)
    show = request.args.get("show")
    rows, page, counts = runs_compare.differences(a.run, b.run, show)
    total = sum(counts.values())
    return render_template(
        "run_compare/compare.html",
        a=a,
        b=b,
        platform=a.platform,
        figures=runs_compare.figures(a, b),
        caveats=[*runs_compare.caveats(a), *runs_compare.caveats(b)],
        may_see_audit=g.access.may(VIEW_AUDIT),
        between=runs_compare.changed_between(a.run, b.run),
        rows=rows,
        page=page,
        total=total,
        pills_list=[
            {"label": "Everybody", "count": total, "url": url_with(show=None), "current": show not in counts},
            *(
                {"label": label, "count": counts[key], "url": url_with(show=key), "current": show == key}
                for key, label in runs_compare.SHOW.items()
            ),
        ],
        others=runs_compare.other_runs(a.run, contract, a.platform),
    )
