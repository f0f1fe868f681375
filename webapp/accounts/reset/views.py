"""A forgotten password: asking for a link, and setting a new one by it."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, redirect, render_template, request, session, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from config import Settings
from webapp.accounts.reset import service
from webapp.accounts.reset.forms import ForgotForm, NewPasswordForm
from webapp.accounts.sign_in import session_cookie, signing_in
from webapp.accounts.sign_in.links import LinkGone
from webapp.accounts.sign_in.passwords import MIN_LENGTH, Busy, PasswordRefused
from webapp.accounts.sign_in.sign_in_manager import TOKEN
from webapp.accounts.sign_in.throttle import Throttled
from webapp.core.account_links import RESET
from webapp.core.models import Account, utcnow
from webapp.web.access import public
from webapp.web.return_url import one_way

bp = Blueprint("reset", __name__)

Answer = str | Response | tuple[str, int] | tuple[str, int, dict[str, str]]


@bp.get("/forgot-password")
@public
def forgot() -> Answer:
    form = ForgotForm(formdata=None)
    form.email.data = request.args.get("email", "")[:254]
    return render_template("reset/forgot.html", form=form)


@bp.post("/forgot-password")
@public
def forgot_submit() -> Answer:
    form = ForgotForm()
    if not form.validate():
        return render_template("reset/forgot.html", form=form), 422
    try:
        service.ask(form.email.data or "", _settings(), visit=session_cookie.visit())
    except Throttled as throttled:
        page = render_template("reset/forgot.html", form=form, throttled=throttled.until)
        return page, 429, {"Retry-After": str(throttled.seconds_left(utcnow()))}
    settings = _settings()
    return render_template(
        "reset/asked.html",
        email=form.email.data,
        demo=settings.demo and settings.mail is None,
        mail_server=settings.mail is not None,
    )


@bp.get("/reset-password")
@public
@one_way
def new() -> Answer:
    if clean := session_cookie.hold(RESET):
        return clean
    try:
        account = service.owner(session_cookie.held(RESET))
    except LinkGone:
        return _gone()
    return _form(NewPasswordForm(formdata=None), account)


@bp.post("/reset-password")
@public
def new_submit() -> Answer:
    form = NewPasswordForm()
    try:
        account = service.owner(session_cookie.held(RESET))
        if not form.validate():
            return _form(form, account), 422
        account = service.reset(session_cookie.held(RESET), form.password.data or "", _settings())
    except LinkGone:
        return _gone()
    except PasswordRefused as refused:
        form.refuse("password", str(refused))
        return _form(form, account), 422
    except Busy as busy:
        form.refuse("password", busy.words)
        return _form(form, account), 503, busy.headers
    if current_user.is_authenticated and current_user.id != account.id:
        signing_in.sign_out(
            current_user, session.get(TOKEN)
        )  # another account, whose sessions go on elsewhere
    session_cookie.leave()
    session_cookie.remember(account)  # who can read its mail owns it, so the next step is open to them here
    flash("Your new password is set. Sign in with it.", "success")
    return redirect(url_for("auth.sign_in"), 303)


def _form(form: NewPasswordForm, account: Account) -> str:
    return render_template("reset/new.html", form=form, email=account.email, min_length=MIN_LENGTH)


def _gone() -> Answer:
    return render_template("reset/gone.html"), 410


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
