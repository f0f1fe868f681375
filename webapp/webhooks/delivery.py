"""Sending the events that wait: taken in one transaction, sent outside of any, written down in another."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from config import Settings
from webapp.credentials import CredentialsUnreadable, open_sealed
from webapp.database import rows_changed, write_transaction
from webapp.models import Webhook, WebhookDelivery, db, utcnow
from webapp.sync.events import TEST
from webapp.webhooks import signing
from webapp.webhooks.addresses import AddressRefused, parse, resolve
from webapp.webhooks.sending import NotDelivered, post

log = logging.getLogger(__name__)

BATCH = 5  # events taken at once
TAKEN_FOR = timedelta(minutes=10)  # longer than a batch can take
BUSY_FOR = 45.0  # seconds after which a job takes no further batch
KEPT_FOR = timedelta(days=30)
PAUSES = (
    timedelta(seconds=5),
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
)


def seal_row(contract_id: int) -> list[Any]:
    """What the secret of a contract's webhook is sealed for."""
    return ["webhook", contract_id]


def due(session: Session, now: datetime) -> bool:
    """Whether an event waits to be sent now."""
    return bool(session.scalar(sa.select(sa.exists().where(_due(now)))))


def deliver(settings: Settings) -> int:
    """Send what is due until nothing is, or time is up; how many arrived."""
    arrived, until = 0, time.monotonic() + BUSY_FOR
    while time.monotonic() < until and (batch := _take(utcnow())):
        for event_id, attempt in batch:
            arrived += _send(event_id, attempt, settings)
    return arrived


def tidy(session: Session, now: datetime) -> None:
    """Forget old deliveries. Call inside a write transaction."""
    rows_changed(session, sa.delete(WebhookDelivery).where(WebhookDelivery.created_at < now - KEPT_FOR))


def _due(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(WebhookDelivery.state == "waiting", WebhookDelivery.next_try_at <= now)


def _take(now: datetime) -> list[tuple[str, int]]:
    """The next events, taken so that no other worker sends them meanwhile: each with the number of this try."""
    with write_transaction() as session:
        ids = session.scalars(
            sa.select(WebhookDelivery.id)
            .where(_due(now))
            .order_by(WebhookDelivery.next_try_at, WebhookDelivery.id)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        ).all()
        if not ids:
            return []
        taken = session.execute(
            sa.update(WebhookDelivery)
            .where(WebhookDelivery.id.in_(ids))
            .values(attempts=WebhookDelivery.attempts + 1, next_try_at=now + TAKEN_FOR, tried_at=now)
            .returning(WebhookDelivery.id, WebhookDelivery.event_id, WebhookDelivery.attempts)
        ).all()
        return [(row.event_id, row.attempts) for row in sorted(taken)]


def _send(event_id: str, attempt: int, settings: Settings) -> bool:
    """One try, and what became of it; whether it arrived.

    An event that was dropped since it was taken goes nowhere: the webhook has another address by now, or is gone,
    and its number may even be another contract's.
    """
    db.session.rollback()
    found = db.session.execute(
        sa.select(WebhookDelivery, Webhook)
        .join(
            Webhook,
            sa.and_(
                Webhook.id == WebhookDelivery.webhook_id, Webhook.contract_id == WebhookDelivery.contract_id
            ),
        )
        .where(_this_try(event_id, attempt))
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        db.session.rollback()
        return False
    delivery, webhook = found
    db.session.expunge_all()
    db.session.rollback()
    started = time.monotonic()
    status, error = None, None
    try:
        status = _post(webhook, delivery, settings)
        if not 200 <= status < 300:
            error = f"The receiver answered {status}." + (
                " Redirects are not followed." if 300 <= status < 400 else ""
            )
    except (AddressRefused, NotDelivered) as reason:
        error = str(reason)
    except CredentialsUnreadable:
        log.error("webhook %s: its secret cannot be read", webhook.id)
        error = "The secret cannot be read any more. Make a new one."
    milliseconds = round((time.monotonic() - started) * 1000)
    last = attempt > len(PAUSES) or delivery.event == TEST  # how a test went is wanted now, not in an hour
    _write(event_id, attempt, status, milliseconds, error, last=last)
    return error is None


def _post(webhook: Webhook, delivery: WebhookDelivery, settings: Settings) -> int:
    secret = open_sealed(seal_row(webhook.contract_id), webhook.secret)["secret"]
    target = parse(webhook.url, loopback=settings.webhook_loopback)
    address = resolve(target, loopback=settings.webhook_loopback)
    body = delivery.body.encode()
    signed = signing.headers(secret, delivery.event_id, int(time.time()), body)
    plain = {"Content-Type": "application/json", "User-Agent": f"{settings.product_name}-webhooks/1"}
    return post(target, address, body, plain | signed)


def _write(
    event_id: str, attempt: int, status: int | None, milliseconds: int, error: str | None, *, last: bool
) -> None:
    values: dict[str, Any] = {"status": status, "milliseconds": milliseconds, "error": error}
    if error is None:
        values["state"] = "delivered"
    elif last:
        values["state"] = "failed"
    else:
        values["next_try_at"] = utcnow() + PAUSES[attempt - 1]
    with write_transaction() as session:
        rows_changed(session, sa.update(WebhookDelivery).where(_this_try(event_id, attempt)).values(**values))


def _this_try(event_id: str, attempt: int) -> sa.ColumnElement[bool]:
    """The event, as long as it waits for what becomes of this try of it."""
    return sa.and_(
        WebhookDelivery.event_id == event_id,
        WebhookDelivery.state == "waiting",
        WebhookDelivery.attempts == attempt,
    )
