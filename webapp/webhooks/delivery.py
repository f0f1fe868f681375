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
from webapp.outgoing import still_mine, take
from webapp.webhooks import signing
from webapp.webhooks.addresses import AddressRefused, parse, resolve
from webapp.webhooks.sending import NotDelivered, post

log = logging.getLogger(__name__)

BATCH = 5  # events taken at once
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


def deliver(settings: Settings) -> int:
    """Send what is due until nothing is, or time is up; how many arrived."""
    arrived, until = 0, time.monotonic() + BUSY_FOR
    while time.monotonic() < until and (batch := take(WebhookDelivery, utcnow(), BATCH)):
        for delivery in batch:
            arrived += _send(delivery, settings)
    return arrived


def tidy(session: Session, now: datetime) -> None:
    """Forget old deliveries. Call inside a write transaction."""
    rows_changed(session, sa.delete(WebhookDelivery).where(WebhookDelivery.created_at < now - KEPT_FOR))


def _send(delivery: WebhookDelivery, settings: Settings) -> bool:
    """One try, and what became of it; whether it arrived."""
    webhook = db.session.get(Webhook, delivery.webhook_id, populate_existing=True)
    db.session.commit()  # nothing is open while the receiver is waited for
    if webhook is None:  # removed meanwhile, and its deliveries with it
        return False
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
    _write(delivery, status, milliseconds, error)
    return error is None


def _post(webhook: Webhook, delivery: WebhookDelivery, settings: Settings) -> int:
    secret = open_sealed(seal_row(webhook.contract_id), webhook.secret)["secret"]
    target = parse(webhook.url, loopback=settings.webhook_loopback)
    address = resolve(target, loopback=settings.webhook_loopback)
    body = delivery.body.encode()
    signed = signing.headers(secret, delivery.event_id, int(time.time()), body)
    plain = {"Content-Type": "application/json", "User-Agent": f"{settings.product_name}-webhooks/1"}
    return post(target, address, body, plain | signed)


def _write(delivery: WebhookDelivery, status: int | None, milliseconds: int, error: str | None) -> None:
    now = utcnow()
    values: dict[str, Any] = {"status": status, "milliseconds": milliseconds, "error": error, "tried_at": now}
    if error is None:
        values["state"] = "delivered"
    elif delivery.attempts > len(PAUSES):
        values["state"] = "failed"
    else:
        values["next_try_at"] = now + PAUSES[delivery.attempts - 1]
    with write_transaction() as session:
        rows_changed(session, still_mine(delivery).values(**values))
