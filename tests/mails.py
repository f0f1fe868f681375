"""The mails in the outbox, as their recipients would read them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlalchemy as sa
from flask import Flask

from webapp.core.models import Message, db
from webapp.notifications.mail.outbox import text_of

LINK = re.compile(r"http://127\.0\.0\.1(/\S*token=[\w-]+)")


@dataclass(frozen=True)
class Mail:
    to: str
    subject: str
    text: str
    purpose: str
    contract_id: int | None

    @property
    def link(self) -> str:
        """The path of the personal link."""
        (found,) = LINK.findall(self.text)
        return str(found)

    @property
    def token(self) -> str:
        return self.link.partition("token=")[2]


def mails(app: Flask, to: str | None = None, purpose: str | None = None) -> list[Mail]:
    """What was queued, the oldest first."""
    with app.app_context():
        rows = db.session.scalars(sa.select(Message).order_by(Message.id)).all()
        return [
            Mail(row.recipient, row.subject, text_of(row) or "", row.purpose, row.contract_id)
            for row in rows
            if to in (None, row.recipient) and purpose in (None, row.purpose)
        ]


def everything_stored(app: Flask) -> str:
    """Every row of every table as text, to look for what must not be there."""
    with app.app_context(), db.engine.connect() as connection:
        return "\n".join(
            str(tuple(row))
            for table in db.metadata.sorted_tables
            for row in connection.execute(sa.select(table))
        )
