"""The weekly reminder while people wait to be activated."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from config import Settings
from webapp.core.database import insert_into
from webapp.core.models import Contract, Reminder, User, table_of
from webapp.notifications.incidents import emails
from webapp.notifications.incidents.kinds import KINDS
from webapp.notifications.incidents.preferences import recipients
from webapp.notifications.mail import outbox

EVERY = timedelta(days=7)
LOOK_AGAIN = timedelta(days=1)  # at a contract where nobody waits
AT_ONCE = 200  # contracts one tick looks at; the next one goes on


def remind(session: Session, settings: Settings, now: datetime) -> int:
    """Put the reminders that are due into the outbox; how many. Call inside a write transaction.

    A contract is reminded when somebody has waited for a week, and then each week until nobody does.
    """
    _note_new_contracts(session, now)
    due = session.scalars(
        sa.select(Reminder)
        .where(Reminder.next_at <= now)
        .order_by(Reminder.next_at)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    return sum(_look_at(session, settings, reminder, now) for reminder in due)


def _look_at(session: Session, settings: Settings, reminder: Reminder, now: datetime) -> int:
    pending, oldest = session.execute(
        sa.select(sa.func.count(), sa.func.min(User.status_since)).where(
            User.contract_id == reminder.contract_id, User.status == "pending"
        )
    ).one()
    if not pending or oldest is None:
        reminder.next_at = now + LOOK_AGAIN
        return 0
    if oldest > now - EVERY:
        reminder.next_at = oldest + EVERY
        return 0
    reminder.next_at = now + EVERY
    addresses = recipients(session, reminder.contract_id, KINDS["waiting"])
    if not addresses:
        return 0
    reminder.sent_at = now
    contract = session.get_one(Contract, reminder.contract_id)
    letter = emails.people_wait(settings.product_name, contract, pending, oldest)
    for address in addresses:
        outbox.queue(
            session,
            to=address,
            subject=letter.subject,
            text=letter.text,
            contract_id=contract.id,
            purpose="reminder",
        )
    return len(addresses)


def _note_new_contracts(session: Session, now: datetime) -> None:
    new = sa.select(Contract.id, sa.literal(now, Reminder.next_at.type)).where(
        ~sa.exists().where(Reminder.contract_id == Contract.id)
    )
    session.execute(
        insert_into(session, table_of(Reminder))
        .from_select(["contract_id", "next_at"], new)
        .on_conflict_do_nothing()
    )
