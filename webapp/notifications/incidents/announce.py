"""Turning incidents into mails: one when it begins, one when it is over, to everyone who wants to hear of it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from config import Settings
from webapp.core.models import Contract, Incident, Integration, SyncRun, User, UserSync
from webapp.notifications.incidents import emails
from webapp.notifications.incidents.kinds import KINDS
from webapp.notifications.incidents.preferences import recipients
from webapp.notifications.mail import outbox
from webapp.platforms.registry import PLATFORMS

AT_ONCE = 50  # incidents one tick announces; the next one goes on


def announce(session: Session, settings: Settings, now: datetime) -> int:
    """Put the mails about incidents into the outbox; how many. Call inside a write transaction."""
    incidents = session.scalars(
        sa.select(Incident)
        .where(Incident.announce.is_not(None))
        .order_by(Incident.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    return sum(_announce(session, settings, incident, now) for incident in incidents)


def _announce(session: Session, settings: Settings, incident: Incident, now: datetime) -> int:
    addresses = recipients(session, incident.contract_id, KINDS[incident.kind])
    news = _news(session, settings, incident) if addresses else None
    begins = incident.announce == "beginning"
    incident.announce = None
    if news is None:
        return 0
    if begins:
        incident.announced_at = now
    letter = emails.beginning(news) if begins else emails.end(news)
    for address in addresses:
        outbox.queue(
            session,
            to=address,
            subject=letter.subject,
            text=letter.text,
            contract_id=incident.contract_id,
            purpose="incident" if begins else "recovery",
        )
    return len(addresses)


def _news(session: Session, settings: Settings, incident: Incident) -> emails.News:
    integration = session.get_one(Integration, incident.integration_id)
    sync = session.get_one(UserSync, integration.id)
    return emails.News(
        incident=incident,
        contract=session.get_one(Contract, incident.contract_id),
        platform=PLATFORMS[integration.platform],
        run=session.get(SyncRun, incident.run_id) if incident.run_id is not None else None,
        pending=pending_count(session, incident.contract_id),
        last_success_at=sync.last_success_at,
        schedule="off" if not sync.enabled else "paused" if sync.paused_at is not None else "planned",
        product=settings.product_name,
    )


def pending_count(session: Session, contract_id: int) -> int:
    """How many people wait to be activated."""
    return (
        session.scalar(
            sa.select(sa.func.count()).where(User.contract_id == contract_id, User.status == "pending")
        )
        or 0
    )
