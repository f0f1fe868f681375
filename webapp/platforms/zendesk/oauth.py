"""Zendesk's OAuth: PKCE, and tokens that end within hours and are exchanged for new pairs.

Facts from Zendesk's “Using OAuth authentication” and “Grant-type tokens”: the addresses belong to the customer's
subdomain; the code lives two minutes; without ``expires_in`` in the request the answer does not say when the token
ends; a refresh returns a new pair and deletes both old tokens; a dead refresh token is answered with 400
``invalid_grant``. The answer names the scopes that were granted; a client may be limited to some, and asking for
another one is answered with 400 ``invalid_scope`` (“Announcing more granular OAuth client scopes”).
"""

from __future__ import annotations

import logging
import time
from typing import Any

import requests
from authlib.integrations.requests_client import OAuth2Session

from config import Settings
from webapp.core.text import clean
from webapp.platforms.oauth import (
    LIFETIME_MAX,
    TIMEOUT,
    OAuthFailed,
    RefreshRefused,
    RefreshUnavailable,
    asked_twice,
    token_in,
)
from webapp.platforms.zendesk.connector import SCOPE, base_url

log = logging.getLogger(__name__)

EXPIRES_IN = 3600 * 12  # seconds; Zendesk allows 300 to 172,800
REFRESH_EXPIRES_IN = 3600 * 24 * 90  # seconds; the most that Zendesk allows
ENOUGH = frozenset({SCOPE, "read"})  # either lets us read users
NOT_GRANTED = (
    f"Zendesk did not grant the scope {SCOPE}, without which its users cannot be read. Nothing was changed. In "
    f"Zendesk’s Admin Center, open Apps and integrations > APIs > OAuth clients and allow the client {SCOPE}, then "
    "press Connect again."
)
ASSUMED_EXPIRES_IN = 1800  # seconds, Zendesk's own default, where an answer does not say


class ZendeskRound:
    """OAuth rounds with any Zendesk account for the client in ``settings``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = settings.zendesk

    def authorize_url(self, site: str, redirect_uri: str, state: str, secret: str) -> str:
        """Where to send the browser; ``secret`` is proved when the code comes back (PKCE S256)."""
        session = OAuth2Session(
            self._client.client_id, scope=SCOPE, redirect_uri=redirect_uri, code_challenge_method="S256"
        )
        url: str = session.create_authorization_url(
            f"{base_url(site, self._settings)}/oauth/authorizations/new", state=state, code_verifier=secret
        )[0]
        return url

    def exchange(self, site: str, redirect_uri: str, code: str, secret: str) -> dict[str, Any]:
        """The token for ``code``, which lives two minutes and works once. Raises :class:`OAuthFailed`."""
        try:
            answer = self._post(
                site,
                {
                    "grant_type": "authorization_code",
                    "code": code,
                    "redirect_uri": redirect_uri,
                    "code_verifier": secret,
                },
            )
        except requests.RequestException as error:
            log.warning("the code exchange with zendesk failed: %s", type(error).__name__)
            raise OAuthFailed(
                "Zendesk could not be reached to finish connecting. Nothing was changed. Check the subdomain, and try "
                "again in a few minutes."
            ) from error
        content = _content(answer)
        token = _token(answer)
        if token is None:
            log.warning("zendesk refused the code: HTTP %s", answer.status_code)
            if content.get("error") == "invalid_scope":
                raise OAuthFailed(NOT_GRANTED)
            if answer.status_code >= 500 or answer.ok:
                raise OAuthFailed(
                    "Zendesk had a problem of its own while connecting. Nothing was changed. "
                    "Try again in a few minutes."
                )
            raise OAuthFailed(
                "Zendesk did not accept the confirmation: it had expired or was used already, or this server’s "
                "Zendesk client ID and secret are wrong. Press Connect to try again; if it happens again, ask whoever "
                "runs this server to check ZENDESK_CLIENT_ID and ZENDESK_CLIENT_SECRET."
            )
        granted = _granted(content)
        if not granted & ENOUGH:
            log.warning("zendesk granted %s in place of %s", _in_words(granted), SCOPE)
            self.revoke(site, token)  # nobody here will use it
            raise OAuthFailed(NOT_GRANTED)
        if granted != {SCOPE}:
            log.warning("zendesk granted more than was asked for: %s", _in_words(granted))
        return token

    def refresh(self, site: str, token: dict[str, Any]) -> dict[str, Any]:
        """The pair that follows ``token``. Raises :class:`RefreshRefused` or :class:`RefreshUnavailable`."""
        try:
            answer = self._post(
                site, {"grant_type": "refresh_token", "refresh_token": token["refresh_token"]}
            )
        except requests.ConnectTimeout as error:
            raise RefreshUnavailable from error
        except requests.RequestException as error:
            raise RefreshUnavailable(unanswered=True) from error
        following = _token(answer)
        if following is not None:
            return following
        log.warning("zendesk did not refresh a token: HTTP %s", answer.status_code)
        if answer.status_code in (400, 401, 403):
            raise RefreshRefused
        raise RefreshUnavailable

    def revoke(self, site: str, token: dict[str, Any]) -> bool:
        """Delete the token at Zendesk. A 401 means it is gone already."""
        try:
            answer = requests.delete(
                f"{base_url(site, self._settings)}/api/v2/oauth/tokens/current.json",
                headers={"Authorization": f"Bearer {token['access_token']}", "Accept": "application/json"},
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            log.warning("zendesk could not be told about the disconnect: %s", type(error).__name__)
            return False
        return answer.ok or answer.status_code == 401

    def _post(self, site: str, what: dict[str, Any]) -> requests.Response:
        return asked_twice(lambda: self._send(site, what), self._settings.http_refusal_pause)

    def _send(self, site: str, what: dict[str, Any]) -> requests.Response:
        return requests.post(
            f"{base_url(site, self._settings)}/oauth/tokens",
            json=what
            | {
                "client_id": self._client.client_id,
                "client_secret": self._client.client_secret,
                "scope": SCOPE,
                "expires_in": EXPIRES_IN,
                "refresh_token_expires_in": REFRESH_EXPIRES_IN,
            },
            headers={"Accept": "application/json"},
            timeout=TIMEOUT,
            allow_redirects=False,
        )


def _content(answer: requests.Response) -> dict[str, Any]:
    """The JSON object in an answer; empty when there is none."""
    try:
        content = answer.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _granted(content: dict[str, Any]) -> set[str]:
    """The scopes that a token was given: those asked for when the answer does not say (RFC 6749, 5.1)."""
    scope = content.get("scope")
    return {SCOPE} if scope is None else set(str(scope).split())


def _in_words(scopes: set[str]) -> str:
    """Scopes as Zendesk names them, for the log."""
    return (clean(" ".join(sorted(scopes))) or "nothing")[:200]


def _token(answer: requests.Response) -> dict[str, Any] | None:
    """The token in a good answer, with the moment it ends; ``None`` when there is none in it."""
    if not 200 <= answer.status_code < 300:
        return None
    content = _content(answer)
    access, refresh = token_in(content.get("access_token")), token_in(content.get("refresh_token"))
    lifetime = content.get("expires_in")
    if access is None or refresh is None:
        return None
    seconds = ASSUMED_EXPIRES_IN
    if isinstance(lifetime, int) and lifetime > 0:
        seconds = min(lifetime, LIFETIME_MAX)
    return {"access_token": access, "refresh_token": refresh, "expires_at": int(time.time()) + seconds}
