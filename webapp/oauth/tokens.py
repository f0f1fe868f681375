"""The token of a connected account as a run uses it: exchanged ahead of its end, by one process at a time.

An exchange ends the old pair at the platform, so two racing ones would leave a dead connection. Whoever wants one
takes a short lease in the integration's row; the others wait for the pair it stores. The new pair is committed before
it is used. No transaction is open while the platform is asked.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.connectors.base import AccessDenied, LastingToken, Token, Unavailable
from webapp.connectors.registry import PLATFORMS
from webapp.credentials import CredentialsUnreadable, seal, unseal
from webapp.database import write_transaction
from webapp.models import Integration, utcnow
from webapp.oauth.base import RefreshRefused, RefreshUnavailable
from webapp.oauth.registry import round_for

log = logging.getLogger(__name__)

AHEAD = 300  # seconds before its end from which a token is exchanged
LEASE = timedelta(seconds=60)  # longer than an exchange can take, one that is asked for twice too
PATIENCE = 90.0  # seconds to wait for another process's exchange
POLL = 0.2  # seconds


def token_of(integration: Integration) -> Token:
    """The token that opens the account of ``integration``. Raises :class:`AccessDenied` when it cannot be read."""
    token = _readable(integration)
    if "refresh_token" not in token:
        return LastingToken(token["access_token"])
    return EndingToken(integration.id, token)


class EndingToken:
    """A token that ends and is exchanged, for the integration ``integration_id``."""

    def __init__(self, integration_id: int, token: dict[str, Any]) -> None:
        self._integration_id = integration_id
        self._token = token

    def current(self) -> str:
        if self._token["expires_at"] - time.time() < AHEAD:
            self._token = _exchanged(self._integration_id, self._token["access_token"])
        return str(self._token["access_token"])

    def renewed(self, refused: str) -> bool:
        self._token = _exchanged(self._integration_id, refused)
        return True


def _exchanged(integration_id: int, old: str) -> dict[str, Any]:
    """The stored token once it is another than ``old``; exchanged here unless someone else does it.

    Raises :class:`AccessDenied` when only a new consent helps, :class:`Unavailable` when the platform is down.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with write_transaction() as session:
            integration = _locked(session, integration_id)
            token = _readable(integration)
            if token["access_token"] != old:
                return token
            now = utcnow()
            free = integration.refreshing_until is None or integration.refreshing_until <= now
            if free:
                integration.refreshing_until = now + LEASE
            platform, site = integration.platform, integration.site or ""
        if free:
            return _exchange(integration_id, platform, site, token)
        time.sleep(POLL)
    raise Unavailable("The connection could not be renewed in time, because another process was at it.")


def _exchange(integration_id: int, platform: str, site: str, token: dict[str, Any]) -> dict[str, Any]:
    label = PLATFORMS[platform].label
    try:
        following = round_for(platform).refresh(site, token)
    except RefreshRefused as error:
        _give_back(integration_id)
        raise AccessDenied(_why_refused(integration_id, label)) from error
    except RefreshUnavailable as error:
        _give_back(integration_id)
        raise Unavailable(f"{label} could not renew our access just now.") from error
    with write_transaction() as session:
        integration = _locked(session, integration_id)
        stored = _readable(integration)
        if stored["access_token"] != token["access_token"]:  # somebody connected anew meanwhile
            return stored
        integration.credentials = seal(integration, following)
        integration.refreshing_until = None
    log.info("integration %s: the token was exchanged", integration_id)
    return following


def _why_refused(integration_id: int, label: str) -> str:
    """What may have ended the access, in a sentence for whoever has to reconnect."""
    with write_transaction() as session:
        integration = _locked(session, integration_id)
        restored, connected = integration.restored_at, integration.connected_at
    if restored is not None and (connected is None or connected < restored):
        return (
            f"{label} does not renew our access any more, because Rollcall was restored from a backup on "
            f"{restored.day} {restored:%B %Y}: the access stored in it has been renewed since, or was revoked."
        )
    return f"{label} does not renew our access any more: it was revoked, or it was not used for too long."


def _give_back(integration_id: int) -> None:
    with write_transaction() as session:
        _locked(session, integration_id).refreshing_until = None


def _locked(session: Session, integration_id: int) -> Integration:
    return session.scalars(
        sa.select(Integration)
        .where(Integration.id == integration_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _readable(integration: Integration) -> dict[str, Any]:
    try:
        return unseal(integration)
    except CredentialsUnreadable as error:
        log.error("integration %s: %s", integration.id, error)
        raise AccessDenied("The stored connection cannot be read any more.") from error
