"""What the browser keeps: its session begins and ends, and the token of a mailed link is held for a clean address."""

from __future__ import annotations

from flask import redirect, request, session
from flask_login import login_user, logout_user
from werkzeug.wrappers import Response

from webapp.auth.links import EMAIL
from webapp.auth.sign_in_manager import TOKEN
from webapp.models import Account

LONGEST = 100  # characters of a token in an address


def begin(account: Account, token: str) -> None:
    """Sign ``account`` in; nothing from before survives, the anti-forgery token included.

    But for a link to another email, whose page asked to sign in: it works for its own account alone.
    """
    link = held(EMAIL)
    session.clear()
    if link:
        session[EMAIL] = link
    session[TOKEN] = token
    session.permanent = True
    login_user(account)


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
