"""What the browser keeps: its session, for whom it is known, and the token of a mailed link, for a clean address."""

from __future__ import annotations

from flask import Response as FlaskResponse
from flask import after_this_request, current_app, redirect, request, session
from flask_login import login_user, logout_user
from werkzeug.wrappers import Response

from config import Settings
from webapp.accounts.sign_in import known_browsers
from webapp.accounts.sign_in.sign_in_manager import TOKEN
from webapp.accounts.sign_in.signing_in import Visit
from webapp.core.account_links import EMAIL
from webapp.core.models import Account
from webapp.web.request_log import client_address

LONGEST = 100  # characters of a token in an address


def visit() -> Visit:
    """Where this request comes from."""
    known = known_browsers.loads(request.cookies.get(known_browsers.name_of(_settings()), ""), _settings())
    return Visit(client_address(), request.user_agent.string, known)


def begin(account: Account, token: str) -> None:
    """Sign ``account`` in; nothing from before survives, the anti-forgery token included.

    But for a link to another email, whose page asked to sign in: it works for its own account alone.
    The browser is known for the account from now on.
    """
    link = held(EMAIL)
    session.clear()
    if link:
        session[EMAIL] = link
    session[TOKEN] = token
    session.permanent = True
    login_user(account)
    remember(account)


def remember(account: Account) -> None:
    """Let this browser be known for ``account``, with the password it has now, when this request is answered."""
    settings = _settings()
    value = known_browsers.dumps(visit().browser.with_account(account), settings)

    @after_this_request
    def _keep(response: FlaskResponse) -> FlaskResponse:
        response.set_cookie(
            known_browsers.name_of(settings),
            value,
            max_age=known_browsers.LIFETIME,
            secure=settings.secure_cookies,
            httponly=True,
            samesite="Strict",
        )
        return response


def leave() -> None:
    """Forget who was signed in, with everything else."""
    logout_user()
    session.clear()


def hold(name: str, page: str | None = None) -> Response | None:
    """Take a token out of the address into the cookie; the way to ``page``, or to the same page, if there was one.

    What is in an address ends in histories and in logs of proxies.
    """
    token = request.args.get("token")
    if token is None:
        return None
    session[name] = token[:LONGEST]
    return redirect(page or request.path)


def held(name: str) -> str:
    """The token that was taken; empty when there is none."""
    token = session.get(name)
    return token if isinstance(token, str) else ""


def drop(name: str) -> None:
    session.pop(name, None)


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
