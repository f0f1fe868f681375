"""Intercom's OAuth: consent, code, token ("Setting up OAuth").

What happens when somebody denies, and what a wrong client secret gets, is not documented: here OAuth's own
``error=access_denied``, and a 401.
"""

from __future__ import annotations

import hmac
import secrets

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.consent import may_return_to, page, with_query
from sandbox.control import as_json
from sandbox.grants import Grant
from sandbox.intercom.errors import problem
from sandbox.intercom.teammates import OWNER
from sandbox.intercom.workspace import SPACE, Workspace
from sandbox.options import Options
from sandbox.parts import Parts

CODE_LIFETIME = 300  # seconds


def blueprint(parts: Parts, workspace: Workspace) -> Blueprint:
    bp = Blueprint("oauth", __name__)
    options = parts.options

    @bp.get("/oauth")
    def consent() -> Response:
        why = _refusal(options)
        if why:
            return page(400, platform="Intercom", refusal=why)
        fields = {
            name: request.args[name]
            for name in ("client_id", "redirect_uri", "state")
            if name in request.args
        }
        return page(
            200,
            platform="Intercom",
            account=f"the workspace {workspace.app()['name']}",
            person=f"{OWNER['name']} ({OWNER['email']})",
            reads=[
                "Your teammates: names, email addresses, titles, teams and roles",
                "Which workspace this is",
            ],
            fields=fields,
        )

    @bp.post("/oauth")
    def decide() -> AnyResponse:
        why = _refusal(options)
        if why:
            return page(400, platform="Intercom", refusal=why)
        state = {"state": request.form["state"]} if "state" in request.form else {}
        redirect_uri = request.form["redirect_uri"]
        if request.form.get("decision") != "allow":
            return redirect(with_query(redirect_uri, {"error": "access_denied"} | state), 303)
        code = secrets.token_urlsafe(32) + "="
        parts.grants.add_code(
            code,
            Grant(options.client_id, SPACE, OWNER["id"]),
            redirect_uri,
            parts.clock.now() + CODE_LIFETIME,
        )
        return redirect(with_query(redirect_uri, {"code": code} | state), 303)

    @bp.post("/auth/eagle/token")
    def exchange() -> Response:
        given = request.form
        client_id, secret = given.get("client_id", ""), given.get("client_secret", "")
        known = hmac.compare_digest(client_id.encode(), options.client_id.encode()) and hmac.compare_digest(
            secret.encode(), options.client_secret.encode()
        )
        code = (
            parts.grants.redeem_code(given.get("code", ""), client_id, parts.clock.now()) if known else None
        )
        if code is None:
            return problem(401, "unauthorized", "Unauthorized Code" if known else "Unauthorized Client")
        token = secrets.token_urlsafe(40)
        parts.grants.add_token(token, code.grant)
        return as_json({"token_type": "Bearer", "token": token, "access_token": token})

    return bp


def _refusal(options: Options) -> str | None:
    """Why a request for consent cannot be answered by sending the browser back."""
    if not hmac.compare_digest(request.values.get("client_id", "").encode(), options.client_id.encode()):
        return "There is no app with this client ID."
    if not may_return_to(request.values.get("redirect_uri", "")):
        return "The redirect URL is not one that is registered for this app."
    return None
