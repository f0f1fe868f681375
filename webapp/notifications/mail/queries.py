"""Reading the outbox of one contract, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from webapp.core.credentials import CredentialsUnreadable
from webapp.core.models import Account, AccountLink, Message, User, db
from webapp.notifications.mail.outbox import text_of
from webapp.web.paging import Page, page_of

PURPOSES = {
    "incident": "Incident",
    "recovery": "Incident over",
    "reminder": "Reminder",
    "leavers": "Leavers held",
    "invitation": "Invitation",
    "password_reset": "Password reset",
    "password_changed": "Password changed",
    "email_change": "Change of email",
}


@dataclass(frozen=True)
class MessageRow:
    """One mail for a page; every attribute the row does not have itself comes from the message."""

    message: Message
    text: str | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.message, name)

    @property
    def purpose_label(self) -> str:
        return PURPOSES.get(self.message.purpose, self.message.purpose.replace("_", " ").capitalize())

    @property
    def moment(self) -> datetime:
        return self.message.sent_at or self.message.created_at


def messages(contract_id: int, *, state: str, demo: bool) -> tuple[list[MessageRow], Page]:
    """The newest mails of a contract, those in ``state`` alone unless that is empty."""
    where = [_of(contract_id, demo)]
    if state:
        where.append(Message.state == state)
    total = db.session.scalar(sa.select(sa.func.count()).select_from(Message).where(*where)) or 0
    page = page_of(total)
    found = db.session.scalars(
        sa.select(Message).where(*where).order_by(Message.id.desc()).limit(page.size).offset(page.offset)
    )
    return [MessageRow(message) for message in found], page


def message(contract_id: int, message_id: int, *, demo: bool) -> MessageRow | None:
    """One mail of a contract. What carries a personal link is for its recipient alone, but in a demo."""
    found = db.session.scalars(
        sa.select(Message).where(Message.id == message_id, _of(contract_id, demo))
    ).one_or_none()
    if found is None:
        return None
    if found.sealed_text is not None and not demo:
        return MessageRow(found)
    try:
        return MessageRow(found, text_of(found))
    except CredentialsUnreadable:
        return MessageRow(found)


def _of(contract_id: int, demo: bool) -> sa.ColumnElement[bool]:
    """The mails of a contract; in a demo, where nothing is sent, those about its people's accounts as well."""
    if not demo:
        return Message.contract_id == contract_id
    people = (  # by key, as a mail's address has its domain in small letters
        sa.select(Account.email_key)
        .join(User, User.account_id == Account.id)
        .where(User.contract_id == contract_id, User.status == "active")
    )
    new_emails = (
        sa.select(sa.func.lower(AccountLink.email))
        .join(User, User.account_id == AccountLink.account_id)
        .where(User.contract_id == contract_id, User.status == "active", AccountLink.email.is_not(None))
    )
    to = sa.func.lower(Message.recipient)
    return sa.or_(
        Message.contract_id == contract_id,
        sa.and_(Message.contract_id.is_(None), sa.or_(to.in_(people), to.in_(new_emails))),
    )
