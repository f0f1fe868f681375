"""Connecting a platform by OAuth: begin, come back, disconnect.

A started round is bound to the browser's session, the contract and the platform; it works once and for ten
minutes. Calls to the platform are made outside of transactions.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from config import Settings
from webapp.core.audit import log as audit_log
from webapp.core.credentials import CredentialsUnreadable, open_sealed, seal, seal_for, unseal
from webapp.core.database import write_transaction
from webapp.core.models import Account, ConnectAttempt, Contract, Integration, SyncRun, UserSync, utcnow
from webapp.core.models.sync import LIVE_STATES
from webapp.platforms import registry
from webapp.platforms.base import Call, ConnectorError, LastingToken, RemoteAccount
from webapp.platforms.oauth import OAuthFailed
from webapp.platforms.oauth_registry import round_for
from webapp.platforms.platform import Opening
from webapp.sync.schedule.incidents import MOOT, RECOVERED, close_incidents
from webapp.sync.schedule.schedule import Requester, end_live_run, request_run

log = logging.getLogger(__name__)

ATTEMPT_LIFETIME = timedelta(minutes=10)
IDENTIFY_WITHIN = 45.0  # seconds; somebody waits for the page, and a thread of the web with them
ENDED = "ended"  # in the details of a round that is over: how


class AttemptInvalid(Exception):
    """No such round was started in this browser: unknown, used, expired, or another person's."""


@dataclass(frozen=True)
class Connected:
    """A round that ended well. ``run`` is the run it started because User sync is on, if any."""

    integration: Integration
    again: bool
    run: SyncRun | None


class AnotherAccount(Exception):
    """The round opened another account than the one connected so far; somebody has to decide."""

    def __init__(self, attempt_id: int) -> None:
        super().__init__(attempt_id)
        self.attempt_id = attempt_id


def begin(*, contract: Contract, platform: str, site: str, sign_in_session_id: int, redirect_uri: str) -> str:
    """Start a round with the account at ``site``; the address to send the browser to."""
    state, secret = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    now = utcnow()
    with write_transaction() as session:
        session.execute(sa.delete(ConnectAttempt).where(ConnectAttempt.expires_at < now - ATTEMPT_LIFETIME))
        session.add(
            ConnectAttempt(
                state_hash=hash_of(state),
                sign_in_session_id=sign_in_session_id,
                contract_id=contract.id,
                platform=platform,
                details={"site": site, "secret": seal_for(_round(hash_of(state)), {"secret": secret})},
                expires_at=now + ATTEMPT_LIFETIME,
            )
        )
    return round_for(platform).authorize_url(site, redirect_uri, state, secret)


def consume(*, platform: str, state: str, sign_in_session_id: int) -> ConnectAttempt:
    """The round that ``state`` belongs to, used up by this. Raises :class:`AttemptInvalid`."""
    now = utcnow()
    with write_transaction() as session:
        attempt = session.scalars(
            sa.update(ConnectAttempt)
            .where(
                ConnectAttempt.state_hash == hash_of(state),
                ConnectAttempt.sign_in_session_id == sign_in_session_id,
                ConnectAttempt.platform == platform,
                ConnectAttempt.used_at.is_(None),
                ConnectAttempt.expires_at > now,
            )
            .values(used_at=now)
            .returning(ConnectAttempt)
            .execution_options(populate_existing=True)
        ).one_or_none()
    if attempt is None:
        raise AttemptInvalid
    return attempt


def complete(
    attempt: ConnectAttempt, code: str, *, by: Account, redirect_uri: str, settings: Settings
) -> Connected:
    """Exchange ``code``, ask whose token it is, and connect.

    Raises :class:`~webapp.platforms.oauth.OAuthFailed`, or :class:`AnotherAccount` with the token put aside,
    encrypted, until somebody has decided.
    """
    site = attempt.details["site"]
    secret = open_sealed(_round(attempt.state_hash), attempt.details["secret"])["secret"]
    try:
        token = round_for(attempt.platform).exchange(site, redirect_uri, code, secret)
        account = _identify(attempt.platform, token, site, settings)
    except OAuthFailed:
        end_round(attempt)
        raise
    with write_transaction() as session:
        integration = integration_for(session, attempt.contract_id, attempt.platform)
        if integration.remote_account_id not in (None, account.id):
            stored = session.get_one(ConnectAttempt, attempt.id)
            stored.details = {
                "site": site,
                "sealed": seal_for(["attempt", stored.id], token),
                "account": {"id": account.id, "name": account.name, "site": account.site},
                "granted_by": account.granted_by,
            }
            stored.expires_at = utcnow() + ATTEMPT_LIFETIME
            raise_after = AnotherAccount(stored.id)
        else:
            session.get_one(ConnectAttempt, attempt.id).details = {"site": site, ENDED: "connected"}
            return connect_with(session, integration, token, account, site, by)
    raise raise_after


def end_round(attempt: ConnectAttempt) -> None:
    """Note that a round is over and has connected nothing; its secret is forgotten."""
    attempt_id, details = attempt.id, {"site": attempt.details["site"], ENDED: "failed"}
    with write_transaction() as session:
        session.get_one(ConnectAttempt, attempt_id).details = details


def disconnect(contract: Contract, platform: str) -> bool:
    """Delete the token, stop the schedule and any run; whether the platform confirmed the revocation.

    The token is deleted first and whatever the platform says: it must not stay here because the platform
    is down. Users, people and history stay.
    """
    with write_transaction() as session:
        integration = integration_for(session, contract.id, platform)
        try:
            token = unseal(integration) if integration.credentials else None
        except CredentialsUnreadable:
            log.exception("integration %s: the token to revoke cannot be read", integration.id)
            token = None
        site = integration.site or ""
        now = utcnow()
        integration.connection = "not_connected"
        integration.connection_message = None
        integration.connection_changed_at = now
        integration.credentials = None
        sync = integration.user_sync
        if sync.enabled:
            sync.enabled = False
            sync.disabled_at = now
            sync.disabled_by = None
        sync.next_run_at = None
        close_incidents(session.connection(), integration.id, MOOT, now)
        session.execute(
            sa.update(SyncRun)
            .where(SyncRun.integration_id == integration.id, SyncRun.state.in_(LIVE_STATES))
            .values(cancel_requested_at=now)
        )
        audit_log.record(
            session,
            "integration.disconnected",
            registry.PLATFORMS[platform].label,
            contract_id=contract.id,
            target_type="integration",
            target_id=integration.id,
            details={"account": integration.remote_account_name},
        )
    return token is not None and round_for(platform).revoke(site, token)


def integration_for(session: Session, contract_id: int, platform: str) -> Integration:
    """The contract's integration with ``platform``, made (with its settings) when there is none yet."""
    integration = session.scalars(
        sa.select(Integration)
        .where(Integration.contract_id == contract_id, Integration.platform == platform)
        .with_for_update(key_share=True)  # a worker may write rows that refer to it
        .execution_options(populate_existing=True)
    ).one_or_none()
    if integration is None:
        integration = Integration(contract_id=contract_id, platform=platform, connection="not_connected")
        integration.user_sync = UserSync()
        session.add(integration)
        session.flush()
    return integration


def connect_with(
    session: Session,
    integration: Integration,
    token: dict[str, Any],
    account: RemoteAccount,
    site: str,
    by: Account,
) -> Connected:
    """Store the token of ``account``, encrypted, and go on with User sync where it is on; call inside a transaction."""
    again = integration.remote_account_id is not None
    if not again:
        integration.name_rank = _last_rank(session, integration)
    now = utcnow()
    end_live_run(session, integration.id, "Stopped, because the platform was connected anew meanwhile.", now)
    integration.connection = "connected"
    integration.connection_message = None
    integration.connection_changed_at = now
    integration.credentials = seal(integration, token)
    integration.site = account.site or site
    integration.remote_account_id = account.id
    integration.remote_account_name = account.name
    integration.connected_by_id = by.id
    integration.connected_by = by.name
    integration.connected_as = account.granted_by
    integration.connected_at = now
    close_incidents(session.connection(), integration.id, RECOVERED, now, kinds=("broken",))
    audit_log.record(
        session,
        "integration.reconnected" if again else "integration.connected",
        registry.PLATFORMS[integration.platform].label,
        contract_id=integration.contract_id,
        target_type="integration",
        target_id=integration.id,
        details={"account": account.name, "account_id": account.id},
    )
    run = None
    if integration.user_sync.enabled:
        run = request_run(session, integration, "reconnect", Requester(by.id, by.name), now).run
    return Connected(integration, again, run)


def put_names_first(contract: Contract, platform: str) -> None:
    """Let the names of ``platform`` win over those of every other platform of the contract."""
    with write_transaction() as session:
        integrations = list(
            session.scalars(
                sa.select(Integration)
                .where(Integration.contract_id == contract.id)
                .order_by(Integration.name_rank, Integration.id)
                .with_for_update()
                .execution_options(populate_existing=True)
            )
        )
        before = [registry.PLATFORMS[one.platform].label for one in integrations]
        integrations.sort(key=lambda one: one.platform != platform)
        for rank, integration in enumerate(integrations):
            integration.name_rank = rank
        after = [registry.PLATFORMS[one.platform].label for one in integrations]
        if after != before:
            audit_log.record(
                session,
                "integration.names_first",
                registry.PLATFORMS[platform].label,
                contract_id=contract.id,
                target_type="integration",
                details={"order": audit_log.changed(", ".join(before), ", ".join(after))},
            )


def _last_rank(session: Session, integration: Integration) -> int:
    """The rank behind those that were connected before."""
    highest = session.scalar(
        sa.select(sa.func.max(Integration.name_rank)).where(
            Integration.contract_id == integration.contract_id,
            Integration.id != integration.id,
            Integration.remote_account_id.is_not(None),
        )
    )
    return 0 if highest is None else highest + 1


def _identify(platform: str, token: dict[str, Any], site: str, settings: Settings) -> RemoteAccount:
    def record(call: Call) -> None:
        log.info(
            "connecting %s: %s %s answered %s in %s ms",
            platform,
            call.method,
            call.path,
            call.status,
            call.milliseconds,
        )

    try:
        token_now = LastingToken(token["access_token"])
        opening = Opening(site, token_now, settings, record, seconds=IDENTIFY_WITHIN)
        return registry.connector(platform, opening).account()
    except ConnectorError as error:
        raise OAuthFailed(
            f"{registry.PLATFORMS[platform].label} let us in, but then would not say which "
            f"{registry.PLATFORMS[platform].account_word} this is. {error} "
            "Nothing was changed. Press Connect to try again."
        ) from error


def _round(state_hash: str) -> list[Any]:
    """What the secret of a round is sealed for."""
    return ["round", state_hash]


def hash_of(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
