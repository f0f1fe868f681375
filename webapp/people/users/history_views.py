"""The page of everything that happened to one user."""

from __future__ import annotations

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from webapp.core.models import db
from webapp.core.permissions import INTEGRATIONS, MANAGE_INTEGRATIONS, MANAGE_USERS, VIEW_SYNC_STATUS, Access
from webapp.people.bulk.responses import directory_here
from webapp.people.directory.rows import rows_of
from webapp.people.merges.checks import all_in, who_stayed
from webapp.people.merges.queries import merged_into
from webapp.people.users.history import entries_about
from webapp.people.users.profile import change_count, recent_changes
from webapp.web.access import requires
from webapp.web.paging import page_of, url_with

bp = Blueprint("user_history", __name__, url_prefix="/c/<contract>/users")


@bp.get("/<int:user>/history")
@requires(MANAGE_USERS)
def show(contract: str, user: int) -> str | Response:
    """Changes by people, or with ``by=sync`` what User sync did; a page at a time."""
    access: Access = g.access
    session = db.session()
    found = rows_of(session, [user], directory_here())
    if not found:
        abort(404)
    stayed = who_stayed(session, access.contract.id, user)
    if stayed is not None:
        return redirect(url_for(".show", contract=contract, user=stayed))
    everybody = sorted(all_in(session, access.contract.id, user))
    merged = {one.gone_id: one.gone_name for one in merged_into(session, access.contract.id, everybody)}
    by_sync = request.args.get("by") == "sync"
    entries, page = entries_about(session, access.contract.id, {user, *everybody})
    changes = []
    count = change_count(session, access.contract.id, user, merged)
    people_count = page.total
    if by_sync:
        page = page_of(count)
        changes = recent_changes(
            session, access.contract.id, user, merged, limit=page.size, offset=page.offset
        )
    pills = [
        {"label": label, "count": total, "url": url_with(by=value), "current": by_sync == (value == "sync")}
        for label, value, total in (("By people", None, people_count), ("By User sync", "sync", count))
    ]
    return render_template(
        "user_history/show.html",
        user=found[0],
        entries=entries,
        changes=changes,
        by_sync=by_sync,
        page=page,
        pills_list=pills,
        may_see_runs=access.may(VIEW_SYNC_STATUS, MANAGE_INTEGRATIONS, feature=INTEGRATIONS),
    )
