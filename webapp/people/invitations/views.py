"""Sending and revoking invitations from a user's page, and the page that a mailed link opens."""

from __future__ import annotations

from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_login import current_user
from werkzeug.wrappers import Response

from config import Settings
from webapp.accounts.sign_in import session_cookie, signing_in
from webapp.accounts.sign_in.passwords import MIN_LENGTH, Busy, PasswordRefused
from webapp.accounts.sign_in.sign_in_manager import TOKEN
from webapp.accounts.sign_in.throttle import Throttled
from webapp.core.models import Contract, utcnow
from webapp.core.permissions import MANAGE_USERS
from webapp.people.invitations import accept as invitations_accept
from webapp.people.invitations import send as invitations_send
from webapp.people.invitations.forms import NewPasswordForm, SignInForm
from webapp.people.invitations.status import WHY_NOT, on_their_way
from webapp.web.access import public, requires
from webapp.web.request_log import client_address
from webapp.web.return_url import one_way

bp = Blueprint("invitations", __name__)

HELD = "invitation"

Answer = str | Response | tuple[str, int] | tuple[str, int, dict[str, str]]


# ------------------------------------------------------------------ for those who manage users
@bp.post("/c/<contract>/users/<int:user>/invitation")
@requires(MANAGE_USERS)
def send(contract: str, user: int) -> Response:
    """Send it, or send another one."""
    try:
        invitations_send.send(g.access.contract.id, user, g.access.user.id)
    except invitations_send.UnknownUser:
        abort(404)
    except invitations_send.CannotInvite as refused:
        flash(f"No invitation was sent. {WHY_NOT[refused.reason]}", "warning")
    else:
        flash(on_their_way(1, leave=_settings().mail is not None), "success")
    return redirect(url_for("users.show", contract=contract, user=user))


@bp.post("/c/<contract>/users/<int:user>/invitation/revoke")
@requires(MANAGE_USERS)
def revoke(contract: str, user: int) -> Response:
    try:
        revoked = invitations_send.revoke(g.access.contract.id, user, g.access.user.id)
    except invitations_send.UnknownUser:
        abort(404)
    except invitations_send.CannotInvite as refused:
        flash(f"The invitation was not revoked. {WHY_NOT[refused.reason]}", "warning")
    else:
        if revoked:
            flash("The invitation is revoked: its link does not work any more.", "success")
        else:
            flash("There was no open invitation to revoke.", "info")
    return redirect(url_for("users.show", contract=contract, user=user))


# ------------------------------------------------------------------ for who was invited
@bp.get("/invitation")
@public
@one_way
def open_link() -> Answer:
    if clean := session_cookie.hold(HELD):
        return clean
    try:
        offered = invitations_accept.offer(session_cookie.held(HELD))
    except invitations_accept.InvitationGone as gone:
        return _gone(gone)
    return _page(offered)


@bp.post("/invitation")
@public
def accept() -> Answer:
    token = session_cookie.held(HELD)
    try:
        offered = invitations_accept.offer(token)
        way = _way(offered)
        if way == "accept":
            return _welcome(invitations_accept.accept_as(current_user, token))
        if way == "sign_in":
            return _sign_in_and_accept(offered, token)
        if way == "new":
            return _accept_as_new(offered, token)
    except invitations_accept.InvitationGone as gone:
        return _gone(gone)
    except (invitations_accept.OtherAccount, invitations_accept.AccountExists):
        return redirect(url_for(".open_link"), 303)  # the page says how it is now
    return _page(offered), 409


@bp.post("/invitation/sign-out")
@public
def sign_out() -> Answer:
    """Sign the other account out and come back; without an invitation nothing happens."""
    token = session_cookie.held(HELD)
    try:
        invitations_accept.offer(token)
    except invitations_accept.InvitationGone as gone:
        return _gone(gone)
    if current_user.is_authenticated:
        signing_in.sign_out(current_user, session.get(TOKEN))
    session_cookie.leave()
    session[HELD] = token
    return redirect(url_for(".open_link"), 303)


def _sign_in_and_accept(offered: invitations_accept.Offer, token: str) -> Answer:
    form = SignInForm()
    if not form.validate():
        return _page(offered, sign_in_form=form), 422
    try:
        account, secret = signing_in.sign_in(
            offered.invitation.email,
            form.password.data or "",
            _settings(),
            visit=session_cookie.visit(),
            instead_of=session.get(TOKEN),
        )
    except Busy as busy:
        form.refuse("password", busy.words)
        return _page(offered, sign_in_form=form), 503, busy.headers
    except Throttled as throttled:
        page = _page(offered, sign_in_form=form, throttled=throttled.until)
        return page, 429, {"Retry-After": str(throttled.seconds_left(utcnow()))}
    except signing_in.SignInFailed:
        form.refuse("password", "That is not the password of this account. Check it and try again.")
        return _page(offered, sign_in_form=form), 401
    session_cookie.begin(account, secret)
    return _welcome(invitations_accept.accept_as(account, token))


def _accept_as_new(offered: invitations_accept.Offer, token: str) -> Answer:
    form = NewPasswordForm()
    if not form.validate():
        return _page(offered, new_form=form), 422
    try:
        account, secret, contract = invitations_accept.accept_with_new_account(
            token,
            form.new_password.data or "",
            _settings(),
            address=client_address(),
            user_agent=request.user_agent.string,
        )
    except Busy as busy:
        form.refuse("new_password", busy.words)
        return _page(offered, new_form=form), 503, busy.headers
    except PasswordRefused as refused:
        form.refuse("new_password", str(refused))
        return _page(offered, new_form=form), 422
    session_cookie.begin(account, secret)
    return _welcome(contract)


def _way(offered: invitations_accept.Offer) -> str:
    """What the page asks for: accept, sign_in, new, or (signed in as somebody else) other."""
    if current_user.is_authenticated:
        mine = offered.account is not None and offered.account.id == current_user.id
        return "accept" if mine else "other"
    return "sign_in" if offered.account is not None else "new"


def _page(
    offered: invitations_accept.Offer,
    *,
    new_form: NewPasswordForm | None = None,
    sign_in_form: SignInForm | None = None,
    **told: object,
) -> str:
    return render_template(
        "invitations/accept.html",
        offer=offered,
        way=_way(offered),
        new_form=new_form or NewPasswordForm(formdata=None),
        sign_in_form=sign_in_form or SignInForm(formdata=None),
        min_length=MIN_LENGTH,
        **told,
    )


def _gone(gone: invitations_accept.InvitationGone) -> Answer:
    page = render_template(
        "invitations/gone.html",
        reason=gone.reason,
        of=gone.contract.name if gone.contract else None,
        signed_in=current_user.is_authenticated,
    )
    return page, 410


def _welcome(contract: Contract) -> Response:
    session_cookie.drop(HELD)
    flash(f"Welcome to {contract.name}.", "success")
    return redirect(url_for("home.in_contract", contract=contract.slug), 303)


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
