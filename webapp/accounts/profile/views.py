"""The account page: one's own name, password, email and sessions."""

from __future__ import annotations

from flask import Blueprint, abort, current_app, flash, g, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from config import Settings
from webapp.accounts.profile import service
from webapp.accounts.profile.devices import device_of
from webapp.accounts.profile.forms import EmailForm, NameForm, PasswordForm
from webapp.accounts.sign_in import session_cookie, sessions
from webapp.accounts.sign_in.links import LinkGone
from webapp.accounts.sign_in.passwords import MIN_LENGTH, Busy, PasswordRefused
from webapp.accounts.sign_in.throttle import Throttled
from webapp.core.account_links import EMAIL
from webapp.core.models import utcnow
from webapp.core.permissions import access_to, contracts_of
from webapp.web.access import public, signed_in
from webapp.web.request_log import client_address
from webapp.web.return_url import one_way

bp = Blueprint("account", __name__, url_prefix="/account")

Answer = str | Response | tuple[str, int] | tuple[str, int, dict[str, str]]


@bp.get("")
@signed_in
def show() -> Answer:
    return _page()


@bp.post("/name")
@signed_in
def change_name() -> Answer:
    form = NameForm()
    if not form.validate():
        return _page(name_form=form), 422
    try:
        changed = service.change_name(current_user, form.name.data or "")
    except service.NameRefused as refused:
        form.refuse("name", str(refused))
        return _page(name_form=form), 422
    if changed:
        flash(f"Your name is {current_user.name} from now on.", "success")
    else:
        flash("That is your name already.", "info")
    return redirect(_here(), 303)


@bp.post("/password")
@signed_in
def change_password() -> Answer:
    form = PasswordForm()
    if not form.validate():
        return _page(password_form=form), 422
    try:
        service.change_password(
            current_user,
            form.current.data or "",
            form.password.data or "",
            _settings(),
            address=client_address(),
            session_id=g.sign_in_session_id,
        )
    except service.WrongPassword:
        form.refuse("current", "That is not your current password.")
        return _page(password_form=form), 422
    except PasswordRefused as refused:
        form.refuse("password", str(refused))
        return _page(password_form=form), 422
    except Throttled as throttled:
        form.refuse("current", _wait(throttled))
        return _page(password_form=form), 429, _retry_after(throttled)
    except Busy as busy:
        form.refuse("current", busy.words)
        return _page(password_form=form), 503, busy.headers
    session_cookie.remember(current_user)
    flash("Your password is changed, and every other browser is signed out.", "success")
    return redirect(_here(), 303)


@bp.post("/email")
@signed_in
def change_email() -> Answer:
    form = EmailForm()
    if not form.validate():
        return _page(email_form=form), 422
    try:
        wanted = service.ask_for_email(
            current_user,
            form.current.data or "",
            form.email.data or "",
            _settings(),
            address=client_address(),
        )
    except service.WrongPassword:
        form.refuse("current", "That is not your current password.")
        return _page(email_form=form), 422
    except service.EmailRefused as refused:
        form.refuse("email", str(refused))
        return _page(email_form=form), 422
    except Throttled as throttled:
        form.refuse("current", _wait(throttled))
        return _page(email_form=form), 429, _retry_after(throttled)
    except Busy as busy:
        form.refuse("current", busy.words)
        return _page(email_form=form), 503, busy.headers
    flash(f"We sent a link to {wanted}. Open it within a day; until then your email stays as it is.", "info")
    return redirect(_here(), 303)


@bp.get("/email/link")
@public
@one_way
def open_link() -> Answer:
    """Where the mail leads: for everybody, so that the token is out of the address before anybody signs in."""
    page = url_for(".confirm_email")
    return session_cookie.hold(EMAIL, page) or redirect(page)


@bp.get("/email/confirm")
@signed_in
def confirm_email() -> Answer:
    """What the mailed link opens. It asks first, because programs that read mail open links too."""
    try:
        email = service.new_email(current_user, session_cookie.held(EMAIL))
    except LinkGone:
        return _link_gone()
    _stay_in_contract()
    return render_template("account/confirm_email.html", email=email)


@bp.post("/email/confirm")
@signed_in
def confirm_email_submit() -> Answer:
    try:
        email = service.confirm_email(current_user, session_cookie.held(EMAIL), _settings())
    except LinkGone:
        return _link_gone()
    except service.EmailRefused as refused:
        session_cookie.drop(EMAIL)
        flash(str(refused), "error")
        return redirect(_here(), 303)
    session_cookie.drop(EMAIL)
    flash(f"You sign in as {email} from now on.", "success")
    return redirect(_here(), 303)


@bp.post("/sessions/<int:session_id>/end")
@signed_in
def end_session(session_id: int) -> Answer:
    if not service.end_session(current_user, session_id):
        abort(404)
    flash("That browser is signed out.", "success")
    return redirect(_here(), 303)


@bp.post("/sessions/end-others")
@signed_in
def end_other_sessions() -> Answer:
    ended = service.end_other_sessions(current_user, g.sign_in_session_id)
    flash(
        f"{ended:,} other {'browser is' if ended == 1 else 'browsers are'} signed out."
        if ended
        else "You were not signed in anywhere else.",
        "success",
    )
    return redirect(_here(), 303)


def _page(
    *,
    name_form: NameForm | None = None,
    password_form: PasswordForm | None = None,
    email_form: EmailForm | None = None,
) -> str:
    _stay_in_contract()
    return render_template(
        "account/show.html",
        name_form=name_form or NameForm(formdata=None, name=current_user.name),
        password_form=password_form or PasswordForm(formdata=None),
        email_form=email_form or EmailForm(formdata=None),
        min_length=MIN_LENGTH,
        sessions=sorted(
            (
                {"row": row, "device": device_of(row.user_agent), "this": row.id == g.sign_in_session_id}
                for row in sessions.live(current_user.id, _settings())
            ),
            key=lambda one: not one["this"],
        ),
    )


def _stay_in_contract() -> None:
    """Show the side bar of the contract the person came from, or else of their first one."""
    slugs = [contract.slug for contract in contracts_of(current_user)]
    asked = request.values.get("of", "")
    for slug in sorted(slugs, key=lambda slug: slug != asked):
        access = access_to(slug, current_user, g.signed_in_at)
        if access is not None:
            g.access = access
            return


def _here() -> str:
    return url_for(".show", of=request.values.get("of"))


def _link_gone() -> Answer:
    _stay_in_contract()
    return render_template("account/link_gone.html"), 410


def _wait(throttled: Throttled) -> str:
    minutes = -(-throttled.seconds_left(utcnow()) // 60)
    return f"Too many tries. Wait {minutes} {'minute' if minutes == 1 else 'minutes'}, then try again."


def _retry_after(throttled: Throttled) -> dict[str, str]:
    return {"Retry-After": str(throttled.seconds_left(utcnow()))}


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
