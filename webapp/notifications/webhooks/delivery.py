"""Sending the events that wait: taken in one transaction, sent outside of any, written down in another."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from config import Settings
from webapp.core.credentials import CredentialsUnreadable, open_sealed
from webapp.core.database import rows_changed, write_transaction
from webapp.core.models import Webhook, WebhookDelivery, db, utcnow
from webapp.notifications.outbox import due, mine, take
from webapp.notifications.webhooks import signing
from webapp.notifications.webhooks.addresses import AddressRefused, parse, resolve
from webapp.notifications.webhooks.sending import NotDelivered, post
from webapp.sync.schedule.webhook_events import TEST

log = logging.getLogger(__name__)

BUSY_FOR = 45.0  # seconds after which a job takes no further event
RESTS = timedelta(minutes=1)  # what else waits for a receiver that is silent, so that no other waits for it
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
    while time.monotonic() < until and (taken := take(WebhookDelivery, utcnow(), 1)):
        arrived += _send(taken[0], settings)
    return arrived


def tidy(session: Session, now: datetime) -> None:
    """Forget old deliveries. Call inside a write transaction."""
    rows_changed(session, sa.delete(WebhookDelivery).where(WebhookDelivery.created_at < now - KEPT_FOR))


def _send(delivery: WebhookDelivery, settings: Settings) -> bool:
    """One try, and what became of it; whether it arrived.

    An event that was dropped since it was taken goes nowhere: the webhook has another address by now, or is gone,
    and its number may even be another contract's.
    """
    db.session.rollback()
    webhook = db.session.scalars(
        sa.select(Webhook)
        .join(
            WebhookDelivery,
            sa.and_(
                WebhookDelivery.webhook_id == Webhook.id, WebhookDelivery.contract_id == Webhook.contract_id
            ),
        )
        .where(_this_try(delivery))
        .execution_options(populate_existing=True)
    ).one_or_none()
    if webhook is not None:
        db.session.expunge(webhook)
    db.session.rollback()  # nothing is open while the receiver is waited for
    if webhook is None:
        return False
    started = time.monotonic()
    status, error, silent = None, None, False
    try:
        status = _post(webhook, delivery, settings)
        if not 200 <= status < 300:
            error = f"The receiver answered {status}." + (
                " Redirects are not followed." if 300 <= status < 400 else ""
            )
    except NotDelivered as reason:
        error, silent = str(reason), True
    except AddressRefused as reason:
        error = str(reason)
    except CredentialsUnreadable:
        log.error("webhook %s: its secret cannot be read", webhook.id)
        error = "The secret cannot be read any more. Make a new one."
    milliseconds = round((time.monotonic() - started) * 1000)
    _write(delivery, status, milliseconds, error, silent=silent)
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
    delivery: WebhookDelivery, status: int | None, milliseconds: int, error: str | None, *, silent: bool
) -> None:
    now = utcnow()
    values: dict[str, Any] = {"status": status, "milliseconds": milliseconds, "error": error, "tried_at": now}
    if error is None:
        values["state"] = "delivered"
    elif (
        delivery.attempts > len(PAUSES) or delivery.event == TEST
    ):  # how a test went is wanted now, not in an hour
        values["state"] = "failed"
    else:
        values["next_try_at"] = now + PAUSES[delivery.attempts - 1]
    with write_transaction() as session:
        rows_changed(session, sa.update(WebhookDelivery).where(_this_try(delivery)).values(**values))
        if silent:
            others = sa.and_(
                WebhookDelivery.webhook_id == delivery.webhook_id,
                WebhookDelivery.id != delivery.id,
                WebhookDelivery.event != TEST,
                due(WebhookDelivery, now),
            )
            rows_changed(session, sa.update(WebhookDelivery).where(others).values(next_try_at=now + RESTS))


def _this_try(delivery: WebhookDelivery) -> sa.ColumnElement[bool]:
    """The event, as long as it waits for what becomes of this try. Numbers of rows may be given again, its ID never."""
    return sa.and_(mine(delivery), WebhookDelivery.event_id == delivery.event_id)
