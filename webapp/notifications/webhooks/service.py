"""Changing a contract's webhook: each function is one transaction with its audit row.

Network names are looked up before the transaction begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from config import Settings
from webapp.core.audit import log
from webapp.core.credentials import seal_for
from webapp.core.database import write_transaction
from webapp.core.models import Contract, Webhook, WebhookDelivery, db, utcnow
from webapp.notifications.webhooks.addresses import named, parse, resolve
from webapp.notifications.webhooks.delivery import seal_row
from webapp.notifications.webhooks.signing import new_secret
from webapp.sync.schedule.webhook_events import TEST, write_event
from webapp.web.paging import Page, page_of

EVENTS = {
    "run.finished": "A run finished",
    "run.held": "A run is held",
    "run.failed": "A run failed",
}


class NoWebhook(Exception):
    """The contract has no webhook (any more)."""


@dataclass(frozen=True)
class Saved:
    """What saving did. ``secret`` is set when the webhook is new, and is never to be had again."""

    changed: bool
    secret: str | None = None


def webhook_of(contract_id: int) -> Webhook | None:
    """The webhook of a contract."""
    return db.session.scalars(sa.select(Webhook).where(Webhook.contract_id == contract_id)).one_or_none()


def save(contract: Contract, *, url: str, events: list[str], settings: Settings) -> Saved:
    """Set where events go, and which. Raises :class:`~webapp.notifications.webhooks.addresses.AddressRefused`.

    Another host gets no event of before: what still waits for the old one is dropped.
    """
    db.session.commit()  # nothing is open while the name is looked up
    resolve(parse(url, loopback=settings.webhook_loopback), loopback=settings.webhook_loopback)
    wanted = [event for event in EVENTS if event in events]
    with write_transaction() as session:
        webhook = _locked(session, contract.id)
        if webhook is None:
            secret = new_secret()
            session.add(
                Webhook(
                    contract_id=contract.id,
                    url=url,
                    events=wanted,
                    secret=seal_for(seal_row(contract.id), {"secret": secret}),
                )
            )
            _record(session, contract, "webhook.created", url, {"events": wanted})
            return Saved(True, secret)
        before = webhook.url, list(webhook.events)
        if before == (url, wanted):
            return Saved(False)
        if webhook.url != url:
            session.execute(
                sa.delete(WebhookDelivery).where(
                    WebhookDelivery.webhook_id == webhook.id, WebhookDelivery.state == "waiting"
                )
            )
        webhook.url, webhook.events = url, wanted
        _record(
            session,
            contract,
            "webhook.changed",
            url,
            {
                "address": log.changed(named(before[0]), named(url)),
                "events": log.changed(before[1], wanted),
            },
        )
        return Saved(True)


def renew_secret(contract: Contract) -> str:
    """Sign with a new secret from now on; the new one. Raises :class:`NoWebhook`."""
    with write_transaction() as session:
        webhook = _locked(session, contract.id)
        if webhook is None:
            raise NoWebhook
        secret = new_secret()
        webhook.secret = seal_for(seal_row(contract.id), {"secret": secret})
        _record(session, contract, "webhook.secret_renewed", webhook.url, None)
        return secret


def send_test(contract: Contract) -> bool:
    """Send an event that means nothing; ``False`` while one is on its way. Raises :class:`NoWebhook`.

    One at a time and without another try, so that nobody keeps the workers busy with them.
    """
    with write_transaction() as session:
        webhook = _locked(session, contract.id)
        if webhook is None:
            raise NoWebhook
        waiting = sa.exists().where(
            WebhookDelivery.webhook_id == webhook.id,
            WebhookDelivery.event == TEST,
            WebhookDelivery.state == "waiting",
        )
        if session.scalar(sa.select(waiting)):
            return False
        now = utcnow()
        write_event(session.connection(), webhook.id, contract.id, TEST, {"contract": contract.slug}, now)
        _record(session, contract, "webhook.tested", webhook.url, None)
        return True


def remove(contract: Contract) -> bool:
    """Forget the webhook, its secret and its deliveries; whether there was one."""
    with write_transaction() as session:
        webhook = _locked(session, contract.id)
        if webhook is None:
            return False
        session.execute(sa.delete(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook.id))
        session.delete(webhook)
        _record(session, contract, "webhook.removed", webhook.url, None)
        return True


def deliveries(webhook: Webhook) -> tuple[list[WebhookDelivery], Page]:
    """A page of what was sent, the newest first."""
    total = db.session.scalar(sa.select(sa.func.count()).where(WebhookDelivery.webhook_id == webhook.id)) or 0
    page = page_of(total)
    found = db.session.scalars(
        sa.select(WebhookDelivery)
        .where(WebhookDelivery.webhook_id == webhook.id)
        .order_by(WebhookDelivery.id.desc())
        .limit(page.size)
        .offset(page.offset)
    )
    return list(found), page


def _locked(session: Session, contract_id: int) -> Webhook | None:
    session.execute(sa.select(Contract.id).where(Contract.id == contract_id).with_for_update(key_share=True))
    return session.scalars(
        sa.select(Webhook)
        .where(Webhook.contract_id == contract_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def _record(
    session: Session, contract: Contract, action: str, url: str, details: dict[str, Any] | None
) -> None:
    log.record(session, action, named(url), contract_id=contract.id, target_type="webhook", details=details)
