"""The page that asks before somebody's sign-ins are ended, and its answer."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from webapp.core.models import User, db, utcnow
from webapp.core.models.user import MERGED
from webapp.core.permissions import MANAGE_USERS, Access
from webapp.people.bulk.responses import directory_here, giver_here
from webapp.people.directory.giving import who_has_more
from webapp.people.sign_ins import end as sign_ins_end
from webapp.web.access import requires
from webapp.web.confirm_form import ConfirmForm

bp = Blueprint("user_sign_ins", __name__, url_prefix="/c/<contract>/users")

YOURSELF = "These are your own sign-ins: end them on your account page."
ABOVE = "They may do or see more than you, so only someone with as much access can sign them out."
NO_ACCOUNT = "They have no account to sign in with."


@bp.route("/<int:user>/end-sign-ins", methods=["GET", "POST"])
@requires(MANAGE_USERS)
def end(contract: str, user: int) -> str | Response:
    """GET asks, POST ends."""
    access: Access = g.access
    found = _user_or_404(user)
    back = url_for("users.show", contract=contract, user=user)
    if request.method == "POST" and ConfirmForm().validate_on_submit():
        return _ended(access, user, back)
    if why_not := _why_not(access, found):
        flash(f"Nobody was signed out. {why_not}", "warning")
        return redirect(back)
    idle_since = utcnow() - current_app.extensions["settings"].session_idle
    return render_template(
        "user_sign_ins/end.html",
        user=found,
        sign_ins=sign_ins_end.sign_ins_of(db.session(), found, idle_since),
        confirm_url=request.path,
        cancel_url=back,
    )


def _ended(access: Access, user: int, back: str) -> Response:
    try:
        name = sign_ins_end.end_sign_ins(access.contract.id, user, by_user_id=access.user.id)
    except LookupError:
        abort(404)
    except sign_ins_end.Yourself:
        flash(f"Nobody was signed out. {YOURSELF}", "warning")
    except sign_ins_end.Above:
        flash(f"Nobody was signed out. {ABOVE}", "warning")
    except sign_ins_end.NoAccount:
        flash(f"Nobody was signed out. {NO_ACCOUNT}", "warning")
    else:
        here = access.contract.name
        flash(f"{name} is signed out of {here} everywhere. To come back, they sign in again.", "success")
    return redirect(back)


def _why_not(access: Access, user: User) -> str | None:
    if user.id == access.user.id:
        return YOURSELF
    directory = directory_here()
    if who_has_more(db.session(), [user.id], directory, giver_here(directory)):
        return ABOVE
    return NO_ACCOUNT if user.account_id is None else None


def _user_or_404(user_id: int) -> User:
    user = db.session.get(User, user_id, populate_existing=True)
    if user is None or user.contract_id != g.access.contract.id or user.status == MERGED:
        abort(404)
    return user
