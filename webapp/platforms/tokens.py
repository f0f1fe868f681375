"""The token of a connected account as a run uses it: exchanged ahead of its end, by one process at a time.

An exchange ends the old pair at the platform, so two racing ones would leave a dead connection. Whoever wants one
takes a short lease in the integration's row; the others wait for the pair it stores. The new pair is committed before
it is used. No transaction is open while the platform is asked. A process that is killed between the platform's answer
and that commit takes the new pair with it: the lease that it leaves behind is how that is told from a revoked access.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.clock import is_past, now_in
from webapp.core.credentials import CredentialsUnreadable, seal, unseal
from webapp.core.database import write_transaction
from webapp.core.models import Integration
from webapp.core.trouble import trouble_of
from webapp.platforms.base import AccessDenied, LastingToken, Token, Unavailable
from webapp.platforms.oauth import RefreshRefused, RefreshUnavailable
from webapp.platforms.oauth_registry import round_for
from webapp.platforms.registry import PLATFORMS

log = logging.getLogger(__name__)

AHEAD = 300  # seconds before its end from which a token is exchanged
LEASE = timedelta(seconds=60)  # longer than an exchange can take, one that is asked for twice too
PATIENCE = 90.0  # seconds to wait for another process's exchange
POLL = 0.2  # seconds

REVOKED = "{label} does not renew our access any more: it was revoked, or it was not used for too long."
LOST = (
    "A worker was stopped while it exchanged the keys of this connection, or the answer to it got lost: {label} gave "
    "new keys that never arrived, and the old ones open nothing any more."
)


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
            now, begun = now_in(session), integration.refreshing_until
            free = begun is None or is_past(begun, now, 2 * LEASE)
            if free:
                integration.refreshing_until = now + LEASE
            exchange = _Exchange(
                integration_id,
                integration.platform,
                integration.site or "",
                token,
                cut_short=begun is not None,
            )
        if free:
            return exchange.carry_out()
        time.sleep(POLL)
    raise Unavailable("The connection could not be renewed in time, because another process was at it.")


@dataclass(frozen=True)
class _Exchange:
    """One exchange of ``token``, which this process alone may make by the lease in the integration's row.

    ``cut_short``: one before it began and never came to its end, so its new pair may have been lost.
    """

    integration_id: int
    platform: str
    site: str
    token: dict[str, Any] = field(repr=False)
    cut_short: bool

    def carry_out(self) -> dict[str, Any]:
        """The stored pair after it. Raises :class:`AccessDenied` and :class:`Unavailable`."""
        label = PLATFORMS[self.platform].label
        try:
            following = round_for(self.platform).refresh(self.site, self.token)
        except RefreshRefused as error:
            self._over()
            reason = LOST.format(label=label) if self.cut_short else _why_refused(self.integration_id, label)
            raise AccessDenied(reason) from error
        except RefreshUnavailable as error:
            self._over(unknown=error.unanswered or self.cut_short)
            raise Unavailable(f"{label} could not renew our access just now.") from error
        return self._stored(following)

    def _stored(self, following: dict[str, Any]) -> dict[str, Any]:
        """Commit the new pair. The old one is gone by now, so trouble of the database is waited for."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with write_transaction() as session:
                    return self._store(session, following)
            except sa.exc.SQLAlchemyError as error:
                if trouble_of(error) is None or time.monotonic() > deadline:
                    raise
                log.warning("integration %s: a new token waits to be stored: %s", self.integration_id, error)
                time.sleep(POLL)

    def _store(self, session: Session, following: dict[str, Any]) -> dict[str, Any]:
        integration = _locked(session, self.integration_id)
        stored = _readable(integration)
        # Somebody connected anew meanwhile, or the commit had gone through and only its answer was lost.
        if stored["access_token"] != self.token["access_token"]:
            return stored
        integration.credentials = seal(integration, following)
        integration.refreshing_until = None
        log.info("integration %s: the token was exchanged", self.integration_id)
        return following

    def _over(self, *, unknown: bool = False) -> None:
        """Give the lease back; ended and left there where a new pair may have been lost."""
        with write_transaction() as session:
            ended = now_in(session) if unknown else None
            _locked(session, self.integration_id).refreshing_until = ended


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
    return REVOKED.format(label=label)


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
