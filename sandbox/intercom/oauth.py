"""Intercom's OAuth: consent, code, token, uninstall ("Setting up OAuth", "Installing and uninstalling")."""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.control import as_json
from sandbox.grants import Grant
from sandbox.intercom.errors import problem
from sandbox.intercom.workspace import NAME, OWNER, SPACE
from sandbox.options import Options
from sandbox.parts import Parts

CODE_LIFETIME = 300  # seconds
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def blueprint(parts: Parts) -> Blueprint:
    bp = Blueprint("oauth", __name__)
    options = parts.options

    @bp.get("/oauth")
    def consent() -> Response:
        why = _refusal(options)
        if why:
            return _page(400, platform="Intercom", refusal=why)
        fields = {name: request.args.get(name, "") for name in ("client_id", "redirect_uri", "state")}
        return _page(
            200,
            platform="Intercom",
            account=f"the workspace {NAME}",
            person=f"{OWNER['name']} ({OWNER['email']})",
            reads=[
                "Your teammates: names, e-mail addresses, titles, teams and roles",
                "Which workspace this is",
            ],
            fields=fields,
        )

    @bp.post("/oauth")
    def decide() -> AnyResponse:
        why = _refusal(options)
        if why:
            return _page(400, platform="Intercom", refusal=why)
        state = request.form.get("state", "")
        redirect_uri = request.form["redirect_uri"]
        if request.form.get("decision") != "allow":
            return redirect(with_query(redirect_uri, {"error": "access_denied", "state": state}), 303)
        code = secrets.token_urlsafe(32) + "="
        parts.grants.add_code(
            code,
            Grant(options.client_id, SPACE, OWNER["id"]),
            redirect_uri,
            parts.clock.now() + CODE_LIFETIME,
        )
        return redirect(with_query(redirect_uri, {"code": code, "state": state}), 303)

    @bp.post("/auth/eagle/token")
    def exchange() -> Response:
        given = request.form
        client_id, secret = given.get("client_id", ""), given.get("client_secret", "")
        known = hmac.compare_digest(client_id.encode(), options.client_id.encode()) and hmac.compare_digest(
            secret.encode(), options.client_secret.encode()
        )
        grant = (
            parts.grants.redeem_code(given.get("code", ""), client_id, parts.clock.now()) if known else None
        )
        if grant is None:
            return problem(401, "unauthorized", "Unauthorized Code" if known else "Unauthorized Client")
        token = secrets.token_urlsafe(40)
        parts.grants.add_token(token, grant)
        return as_json({"token_type": "Bearer", "token": token, "access_token": token})

    @bp.post("/auth/uninstall")
    def uninstall() -> Response:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        found = parts.grants.token(token) if scheme.lower() == "bearer" else None
        if found is None:
            return problem(401, "unauthorized", "Access Token Invalid")
        parts.grants.revoke_client(found.grant.client_id, found.grant.space)
        return as_json({"message": "App uninstalled"})

    return bp


def _refusal(options: Options) -> str | None:
    """Why a request for consent cannot be answered by sending the browser back."""
    if not hmac.compare_digest(request.values.get("client_id", "").encode(), options.client_id.encode()):
        return "There is no app with this client ID."
    target = urlsplit(request.values.get("redirect_uri", ""))
    if target.scheme == "https" and target.hostname:
        return None
    if target.scheme == "http" and target.hostname in LOOPBACK:
        return None
    return "The redirect URL is not one that is registered for this app."


def _page(status: int, **context: object) -> Response:
    answer = make_response(render_template("consent.html", **context), status)
    target = urlsplit(request.values.get("redirect_uri", ""))
    back = f" {target.scheme}://{target.netloc}" if target.netloc else ""
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'self'; form-action 'self'{back}; base-uri 'none'; frame-ancestors 'none'"
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def with_query(address: str, values: dict[str, str]) -> str:
    """``address`` with ``values`` added to its query."""
    parts = urlsplit(address)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *values.items()])
    return urlunsplit(parts._replace(query=query))
