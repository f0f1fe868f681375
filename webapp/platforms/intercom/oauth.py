"""Intercom's OAuth, by Authlib's Flask client.

Facts from Intercom's developer documentation, “Setting up OAuth” and “Installing and uninstalling”: the
authorize address depends on the workspace's region, the token address does not; there is no scope, no PKCE
and no refresh; a token lives until it is revoked; POST /auth/uninstall removes the app from the workspace.
"""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import FlaskOAuth2App, OAuth

from config import Settings
from webapp.platforms.intercom.connector import REGIONS, api_url
from webapp.platforms.oauth import REFUSALS, TIMEOUT, OAuthFailed, RefreshRefused, token_in

log = logging.getLogger(__name__)


class IntercomRound:
    """OAuth rounds with Intercom for the client in ``settings``."""

    def __init__(self, oauth: OAuth, settings: Settings) -> None:
        self._settings = settings
        client = settings.intercom
        self._clients: dict[str, FlaskOAuth2App] = {
            key: oauth.register(
                f"intercom-{key}",
                client_id=client.client_id,
                client_secret=client.client_secret,
                authorize_url=client.authorize_url or region.authorize_url,
                access_token_url=f"{api_url('us', settings)}/auth/eagle/token",
                client_kwargs={"token_endpoint_auth_method": "client_secret_post"},
                compliance_fix=_check_token_answer,
            )
            for key, region in REGIONS.items()
        }

    def authorize_url(self, site: str, redirect_uri: str, state: str, secret: str) -> str:
        """Where to send the browser; ``state`` comes back with it."""
        url: str = self._clients[site].create_authorization_url(redirect_uri, state=state)["url"]
        return url

    def exchange(self, site: str, redirect_uri: str, code: str, secret: str) -> dict[str, Any]:
        """The token for ``code``, which lives five minutes and works once. Raises :class:`OAuthFailed`."""
        try:
            token = self._fetch(site, redirect_uri, code)
        except _Refused as error:
            log.warning("intercom refused the code: HTTP %s", error.status)
            if error.status in (400, 401, 403, 404):
                raise OAuthFailed(
                    "Intercom did not accept the confirmation: it had expired or was used already, or this server’s "
                    "Intercom client ID and secret are wrong. Press Connect to try again; if it happens again, ask "
                    "whoever runs this server to check INTERCOM_CLIENT_ID and INTERCOM_CLIENT_SECRET."
                ) from error
            raise OAuthFailed(
                "Intercom had a problem of its own while connecting. Nothing was changed. Try again in a few minutes."
            ) from error
        except (requests.RequestException, AuthlibBaseError, ValueError) as error:
            log.warning("the code exchange with intercom failed: %s", type(error).__name__)
            raise OAuthFailed(
                "Intercom could not be reached to finish connecting. Nothing was changed. Try again in a few minutes."
            ) from error
        return {"access_token": token["access_token"]}

    def _fetch(self, site: str, redirect_uri: str, code: str) -> dict[str, Any]:
        """The token for ``code``; what is refused is asked for once more, see :func:`asked_twice`."""
        ask = partial(
            self._clients[site].fetch_access_token,
            redirect_uri=redirect_uri,
            code=code,
            timeout=TIMEOUT,
            allow_redirects=False,
        )
        try:
            token: dict[str, Any] = ask()
        except _Refused as error:
            if error.status not in REFUSALS:
                raise
            time.sleep(self._settings.http_refusal_pause)
            token = ask()
        return token

    def refresh(self, site: str, token: dict[str, Any]) -> dict[str, Any]:
        """Intercom's tokens last until they are revoked; there is nothing to exchange them for."""
        raise RefreshRefused

    def revoke(self, site: str, token: dict[str, Any]) -> bool:
        """Remove the app from the workspace. A 401 means it is gone already."""
        try:
            answer = requests.post(
                f"{api_url(site, self._settings)}/auth/uninstall",
                headers={
                    "Authorization": f"Bearer {token['access_token']}",
                    "Accept": "application/json",
                    "Content-Type": "application/json",
                },
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            log.warning("intercom could not be told about the disconnect: %s", type(error).__name__)
            return False
        return answer.ok or answer.status_code == 401


class _Refused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


def _check_token_answer(session: Any) -> None:
    """Authlib takes any JSON object without ``error`` for a token; Intercom's refusals have none."""

    def check(answer: requests.Response) -> requests.Response:
        if answer.status_code != 200:
            raise _Refused(answer.status_code)
        content = answer.json()
        if not isinstance(content, dict) or token_in(content.get("access_token")) is None:
            raise _Refused(502)
        return answer

    session.register_compliance_hook("access_token_response", check)
