"""Signing in and out, the colour theme, and where each person lands."""

from __future__ import annotations

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from config import Settings
from webapp.accounts.sign_in import session_cookie, signed_out, signing_in
from webapp.accounts.sign_in.demo_accounts import DEMO_ACCOUNTS, DEMO_PASSWORD
from webapp.accounts.sign_in.forms import SignInForm
from webapp.accounts.sign_in.passwords import Busy
from webapp.accounts.sign_in.sign_in_manager import TOKEN
from webapp.accounts.sign_in.throttle import Throttled
from webapp.core.models import db, utcnow
from webapp.web.access import public, signed_in
from webapp.web.return_url import own_path

bp = Blueprint("auth", __name__)

THEMES = ("system", "light", "dark")


@bp.get("/sign-in")
@public
def sign_in() -> Response | str:
    next_url = own_path(request.args.get("next"))
    if current_user.is_authenticated:
        return redirect(next_url or url_for("home.index"))
    return _sign_in_page(SignInForm(), next_url, signed_out=_why_signed_out())


@bp.post("/sign-in")
@public
def sign_in_submit() -> Response | str | tuple[str, int] | tuple[str, int, dict[str, str]]:
    form = SignInForm()
    next_url = own_path(request.form.get("next"))
    if not form.validate():
        return _sign_in_page(form, next_url), 422
    try:
        account, token = signing_in.sign_in(
            form.email.data or "",
            form.password.data or "",
            _settings(),
            visit=session_cookie.visit(),
            instead_of=session.get(TOKEN),
        )
    except Throttled as throttled:
        page = _sign_in_page(form, next_url, throttled=throttled.until)
        return page, 429, {"Retry-After": str(throttled.seconds_left(utcnow()))}
    except Busy as busy:
        return _sign_in_page(form, next_url, failure=busy.words), 503, busy.headers
    except signing_in.SignInFailed:
        failure = "That email and password do not belong together. Check both and try again."
        return _sign_in_page(form, next_url, failure=failure), 401
    session_cookie.begin(account, token)
    return redirect(next_url or url_for("home.index"), 303)


@bp.post("/sign-out")
@signed_in
def sign_out() -> Response:
    signing_in.sign_out(current_user, session.get(TOKEN))
    session_cookie.leave()
    return redirect(url_for("auth.sign_in", next=own_path(request.form.get("next"))), 303)


@bp.post("/theme")
@public
def set_theme() -> Response:
    theme = request.form.get("theme", "")
    if theme in THEMES:
        if current_user.is_authenticated:
            signing_in.set_theme(current_user, theme)
        else:
            session["theme"] = theme
    return redirect(own_path(request.form.get("next")) or url_for("home.index"), 303)


def _why_signed_out() -> str | None:
    """Why this browser, which was signed in, is not any more."""
    token, account_id = session.get(TOKEN), session.get("_user_id")
    if not isinstance(token, str) or not isinstance(account_id, str):
        return None
    return signed_out.why(db.session(), token, account_id, _settings(), utcnow())


def _sign_in_page(form: SignInForm, next_url: str | None, **told: object) -> str:
    accounts = []
    if _settings().demo:
        accounts = [
            {"email": demo.email, "password": DEMO_PASSWORD, "role": demo.role_name, "note": demo.note}
            for demo in DEMO_ACCOUNTS
        ]
    return render_template("auth/sign_in.html", form=form, next_url=next_url, demo_accounts=accounts, **told)


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
