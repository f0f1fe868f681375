"""What a notice of Intercom brings about: a normal run sooner than planned, and nothing else.

https://developers.intercom.com/docs/webhooks/webhook-notifications
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import TypeGuard

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.database import insert_into, rows_changed, write_transaction
from webapp.core.models import (
    ContractFeature,
    Integration,
    PlatformNotice,
    SyncRun,
    UserSync,
    table_of,
    utcnow,
)
from webapp.core.permissions import INTEGRATIONS
from webapp.platforms.base import UNREADABLE
from webapp.platforms.registry import PLATFORMS
from webapp.sync.schedule.schedule import Requester, request_run

PLATFORM = "intercom"
TOPICS = frozenset({"admin.added_to_workspace", "admin.removed_from_workspace"})
QUIET = timedelta(minutes=1)  # notices within it share one run
REMEMBERED_FOR = timedelta(days=7)
ID_MAX = 100  # characters


class NotSigned(Exception):
    """The notice is not signed with our app's secret."""


class Unreadable(Exception):
    """The notice is signed, yet not what the documentation describes."""


class Notice(msgspec.Struct):
    """The parts of a notice that count. What it says of a teammate is not even read."""

    app_id: str
    topic: str
    id: str | None = None


def receive(raw: bytes, signature: str, secret: str) -> str:
    """Take a notice in: requested, repeated or ignored. Raises :class:`NotSigned` and :class:`Unreadable`.

    ``signature`` is the header: ``sha1=`` and the HMAC of the raw body. Workers are woken by the next tick.
    """
    _check(raw, signature, secret)
    try:
        notice = msgspec.json.decode(raw, type=Notice)
    except UNREADABLE as error:
        raise Unreadable from error
    if notice.topic not in TOPICS or not _is_id(notice.id) or not _is_id(notice.app_id):
        return "ignored"
    with write_transaction() as session:
        integrations = _integrations(session, notice.app_id)
        if not integrations:
            return "ignored"
        if not _first_time(session, notice.id):
            return "repeated"
        now = utcnow()
        for integration in integrations:
            _bring_forward(session, integration, now)
    return "requested"


def tidy(session: Session, now: datetime) -> None:
    """Forget notices that cannot come again. Call inside a write transaction."""
    rows_changed(session, sa.delete(PlatformNotice).where(PlatformNotice.received_at < now - REMEMBERED_FOR))


def _check(raw: bytes, signature: str, secret: str) -> None:
    expected = "sha1=" + hmac.new(secret.encode(), raw, hashlib.sha1).hexdigest()
    if not secret or not hmac.compare_digest(signature.encode(), expected.encode()):
        raise NotSigned


def _is_id(text: str | None) -> TypeGuard[str]:
    """Whether a database can hold ``text`` as an ID."""
    return text is not None and 0 < len(text) <= ID_MAX and text.isprintable()


def _integrations(session: Session, app_id: str) -> list[Integration]:
    """Every integration with that workspace whose schedule goes on as usual, in whichever contract.

    Not one that is paused, nor one whose last run failed: its tries are spaced out, and the next one is planned.
    """
    return list(
        session.scalars(
            sa.select(Integration)
            .join(UserSync, UserSync.integration_id == Integration.id)
            .join(
                ContractFeature,
                sa.and_(
                    ContractFeature.contract_id == Integration.contract_id,
                    ContractFeature.feature == INTEGRATIONS,
                ),
            )
            .where(
                Integration.platform == PLATFORM,
                Integration.remote_account_id == app_id,
                Integration.connection == "connected",
                UserSync.enabled,
                UserSync.paused_at.is_(None),
                UserSync.failures == 0,
            )
            .order_by(Integration.id)
            .with_for_update(of=Integration, key_share=True)
        )
    )


def _first_time(session: Session, notice_id: str) -> bool:
    inserted = session.execute(
        insert_into(session, table_of(PlatformNotice))
        .values(platform=PLATFORM, notice_id=notice_id, received_at=utcnow())
        .on_conflict_do_nothing()
        .returning(PlatformNotice.notice_id)
    ).scalar()
    return inserted is not None


def _bring_forward(session: Session, integration: Integration, now: datetime) -> None:
    """A run now, or a minute from now when one has been asked for within the last minute or is going on."""
    recent = session.scalar(
        sa.select(
            sa.exists().where(
                SyncRun.integration_id == integration.id,
                sa.or_(SyncRun.state.in_(("queued", "running")), SyncRun.queued_at > now - QUIET),
            )
        )
    )
    if not recent:
        request_run(
            session, integration, "schedule", Requester(None, f"{PLATFORMS[PLATFORM].label}’s notice"), now
        )
        return
    rows_changed(
        session,
        sa.update(UserSync)
        .where(UserSync.integration_id == integration.id, UserSync.next_run_at > now + QUIET)
        .values(next_run_at=now + QUIET),
    )
