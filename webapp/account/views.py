"""The account page: one's own password, email and sessions."""

from __future__ import annotations

import math
from typing import Any

from flask import Blueprint, abort, current_app, flash, g, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from config import Settings
from webapp.access import access_to, contracts_of, signed_in
from webapp.account import changing
from webapp.account.devices import device_of
from webapp.account.forms import EmailForm, PasswordForm
from webapp.auth import browser, sessions
from webapp.auth.links import EMAIL, LinkGone
from webapp.auth.passwords import MIN_LENGTH, PasswordRefused
from webapp.auth.throttle import Throttled
from webapp.logs import client_address
from webapp.models import utcnow

bp = Blueprint("account", __name__, url_prefix="/account")

Answer = str | Response | tuple[str, int] | tuple[str, int, dict[str, str]]


@bp.get("")
@signed_in
def show() -> Answer:
    return _page()


@bp.post("/password")
@signed_in
def change_password() -> Answer:
    form = PasswordForm()
    if not form.validate():
        return _page(password_form=form), 422
    try:
        changing.change_password(
            current_user,
            form.current.data or "",
            form.password.data or "",
            _settings(),
            address=client_address(),
            session_id=g.sign_in_session_id,
        )
    except changing.WrongPassword:
        _refuse(form.current, "That is not your current password.")
        return _page(password_form=form), 422
    except PasswordRefused as refused:
        _refuse(form.password, str(refused))
        return _page(password_form=form), 422
    except Throttled as throttled:
        _refuse(form.current, _wait(throttled))
        return _page(password_form=form), 429, _retry_after(throttled)
    flash("Your password is changed, and every other browser is signed out.", "success")
    return redirect(_here(), 303)


@bp.post("/email")
@signed_in
def change_email() -> Answer:
    form = EmailForm()
    if not form.validate():
        return _page(email_form=form), 422
    try:
        wanted = changing.ask_for_email(
            current_user,
            form.current.data or "",
            form.email.data or "",
            _settings(),
            address=client_address(),
        )
    except changing.WrongPassword:
        _refuse(form.current, "That is not your current password.")
        return _page(email_form=form), 422
    except changing.EmailRefused as refused:
        _refuse(form.email, str(refused))
        return _page(email_form=form), 422
    except Throttled as throttled:
        _refuse(form.current, _wait(throttled))
        return _page(email_form=form), 429, _retry_after(throttled)
    flash(f"We sent a link to {wanted}. Open it within a day; until then your email stays as it is.", "info")
    return redirect(_here(), 303)


@bp.get("/email/confirm")
@signed_in
def confirm_email() -> Answer:
    """What the mailed link opens. It asks first, because programs that read mail open links too."""
    if clean := browser.hold(EMAIL):
        return clean
    try:
        email = changing.new_email(current_user, browser.held(EMAIL))
    except LinkGone:
        return _link_gone()
    _stay_in_contract()
    return render_template("account/confirm_email.html", email=email)


@bp.post("/email/confirm")
@signed_in
def confirm_email_submit() -> Answer:
    try:
        email = changing.confirm_email(current_user, browser.held(EMAIL), _settings())
    except LinkGone:
        return _link_gone()
    except changing.EmailRefused as refused:
        browser.drop(EMAIL)
        flash(str(refused), "error")
        return redirect(_here(), 303)
    browser.drop(EMAIL)
    flash(f"You sign in as {email} from now on.", "success")
    return redirect(_here(), 303)


@bp.post("/sessions/<int:session_id>/end")
@signed_in
def end_session(session_id: int) -> Answer:
    if session_id >= 2**63 or not changing.end_session(current_user, session_id):
        abort(404)
    flash("That browser is signed out.", "success")
    return redirect(_here(), 303)


@bp.post("/sessions/end-others")
@signed_in
def end_other_sessions() -> Answer:
    ended = changing.end_other_sessions(current_user, g.sign_in_session_id)
    flash(
        f"{ended:,} other {'browser is' if ended == 1 else 'browsers are'} signed out."
        if ended
        else "You were not signed in anywhere else.",
        "success",
    )
    return redirect(_here(), 303)


def _page(password_form: PasswordForm | None = None, email_form: EmailForm | None = None) -> str:
    _stay_in_contract()
    return render_template(
        "account/show.html",
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
    if slugs:
        g.access = access_to(asked if asked in slugs else slugs[0], current_user)


def _here() -> str:
    return url_for(".show", of=request.values.get("of"))


def _link_gone() -> Answer:
    _stay_in_contract()
    return render_template("account/link_gone.html"), 410


def _refuse(field: Any, text: str) -> None:
    field.errors = [*field.errors, text]


def _wait(throttled: Throttled) -> str:
    minutes = max(1, math.ceil((throttled.until - utcnow()).total_seconds() / 60))
    return f"Too many tries. Wait {minutes} {'minute' if minutes == 1 else 'minutes'}, then try again."


def _retry_after(throttled: Throttled) -> dict[str, str]:
    return {"Retry-After": str(max(1, math.ceil((throttled.until - utcnow()).total_seconds())))}


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
