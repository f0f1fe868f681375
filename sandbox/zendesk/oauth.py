"""Zendesk's OAuth: consent, PKCE, pairs of tokens that end and are exchanged ("Using OAuth", "Grant-type tokens")."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Any

import msgspec
from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.consent import may_return_to, page, with_query
from sandbox.control import as_json
from sandbox.faults import Fault
from sandbox.grants import Grant
from sandbox.options import Options
from sandbox.parts import Parts
from sandbox.spoiled import spoil, truncated
from sandbox.zendesk.accounts import SUBDOMAINS, Accounts
from sandbox.zendesk.errors import no_account, problem

CODE_LIFETIME = 120  # seconds
LIFETIME, LIFETIMES = 1800, (300, 172_800)  # seconds: the default, the least and the most
REFRESH_LIFETIME, REFRESH_LIFETIMES = 2_592_000, (604_800, 7_776_000)
DENIED = "The end-user or authorization server denied the request"
PARAMETERS = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method"
)  # fmt: skip


def blueprint(parts: Parts, accounts: Accounts) -> Blueprint:
    bp = Blueprint("oauth", __name__)

    @bp.get("/<subdomain>/oauth/authorizations/new")
    def consent(subdomain: str) -> Response:
        if subdomain not in SUBDOMAINS:
            return no_account()
        why = _refusal(parts.options)
        if why:
            return page(400, platform="Zendesk", refusal=why)
        owner = accounts.owner(subdomain)
        return page(
            200,
            platform="Zendesk",
            account=f"the account {subdomain}",
            person=f"{owner['name']} ({owner['email']})",
            reads=["Your agents and admins: names, email addresses, roles and user fields"],
            fields={name: request.args.get(name, "") for name in PARAMETERS},
        )

    @bp.post("/<subdomain>/oauth/authorizations/new")
    def decide(subdomain: str) -> AnyResponse:
        if subdomain not in SUBDOMAINS:
            return no_account()
        why = _refusal(parts.options)
        if why:
            return page(400, platform="Zendesk", refusal=why)
        redirect_uri, state = request.form["redirect_uri"], request.form.get("state", "")
        if request.form.get("decision") != "allow":
            denied = {"error": "access_denied", "error_description": DENIED, "state": state}
            return redirect(with_query(redirect_uri, denied), 303)
        code = secrets.token_hex(20)
        grant = Grant(
            parts.options.client_id,
            subdomain,
            str(accounts.owner(subdomain)["id"]),
            request.form.get("scope", ""),
        )
        parts.grants.add_code(
            code,
            grant,
            redirect_uri,
            parts.clock.now() + CODE_LIFETIME,
            request.form.get("code_challenge") or None,
        )
        return redirect(with_query(redirect_uri, {"code": code, "state": state}), 303)

    @bp.post("/<subdomain>/oauth/tokens")
    def tokens(subdomain: str) -> Response:
        if subdomain not in SUBDOMAINS:
            return no_account()
        fault = parts.faults.take(request.path, "/oauth/tokens")
        answer = _answer_token_request(subdomain, parts, fault)
        cut = fault is not None and fault.kind == "truncate" and answer.status_code < 300
        return truncated(answer) if cut else answer

    return bp


def _answer_token_request(subdomain: str, parts: Parts, fault: Fault | None) -> Response:
    if fault is not None:
        spoiled = spoil(fault, parts.stopping, parts.grants, _refused)
        if spoiled is not None:
            return spoiled
    given = _given()
    if not _known_client(given, parts.options):
        return problem(401, _error("invalid_client", "The client identifier provided is invalid."))
    grant = _granted(given, parts)
    if grant is None or grant.space != subdomain:
        text = "The provided access grant is invalid, expired, or revoked."
        return problem(400, _error("invalid_grant", text))
    return _pair(given, grant, parts)


def _refused(fault: Fault) -> Response:
    return problem(fault.status or 500, _error(fault.code, fault.message or "") if fault.code else None)


def _error(code: str, text: str) -> dict[str, str]:
    return {"error": code, "error_description": text}


def _given() -> dict[str, Any]:
    """The parameters of a token request, sent as JSON or as a form."""
    if request.is_json:
        try:
            value = msgspec.json.decode(request.get_data())
        except msgspec.DecodeError:
            return {}
        return value if isinstance(value, dict) else {}
    return request.form.to_dict()


def _known_client(given: dict[str, Any], options: Options) -> bool:
    return hmac.compare_digest(str(given.get("client_id", "")).encode(), options.client_id.encode()) and (
        hmac.compare_digest(str(given.get("client_secret", "")).encode(), options.client_secret.encode())
    )


def _granted(given: dict[str, Any], parts: Parts) -> Grant | None:
    """What the code or the refresh token stands for; both are used up by this."""
    now, client = parts.clock.now(), parts.options.client_id
    if given.get("grant_type") == "refresh_token":
        return parts.grants.exchange(str(given.get("refresh_token", "")), client, now)
    if given.get("grant_type") != "authorization_code":
        return None
    code = parts.grants.redeem_code(str(given.get("code", "")), client, now)
    if code is None or code.redirect_uri != given.get("redirect_uri"):
        return None
    if code.challenge is not None and _challenge(str(given.get("code_verifier", ""))) != code.challenge:
        return None
    return code.grant


def _pair(given: dict[str, Any], grant: Grant, parts: Parts) -> Response:
    lifetime = _within(given.get("expires_in"), LIFETIME, LIFETIMES)
    refresh_lifetime = _within(given.get("refresh_token_expires_in"), REFRESH_LIFETIME, REFRESH_LIFETIMES)
    access, refresh = secrets.token_urlsafe(30), secrets.token_hex(16)
    now = parts.clock.now()
    parts.grants.add_token(
        access,
        grant,
        expires_at=now + lifetime,
        refresh=refresh,
        refresh_expires_at=now + refresh_lifetime,
    )
    answer: dict[str, Any] = {
        "access_token": access,
        "refresh_token": refresh,
        "token_type": "bearer",
        "scope": grant.scope,
        "refresh_token_expires_in": refresh_lifetime,
    }
    if "expires_in" in given:  # without it Zendesk does not say when the token ends
        answer["expires_in"] = lifetime
    return as_json(answer, 201)


def _within(value: Any, default: int, bounds: tuple[int, int]) -> int:
    seconds = int(value) if isinstance(value, int) or str(value).isdigit() else default
    return min(max(seconds, bounds[0]), bounds[1])


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _refusal(options: Options) -> str | None:
    """Why a request for consent cannot be answered by sending the browser back."""
    if not hmac.compare_digest(request.values.get("client_id", "").encode(), options.client_id.encode()):
        return "Invalid Authorization Request: no such client."
    if not may_return_to(request.values.get("redirect_uri", "")):
        return "Invalid Authorization Request: the redirect URL is not registered for this client."
    if request.values.get("response_type") != "code" or not request.values.get("scope"):
        return "Invalid Authorization Request: response_type must be code, and a scope is needed."
    return None
