"""The outbox: mails to people, each written in the transaction of what it tells."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.models.base import Base, BigInt, IntPk, one_of, utcnow

MESSAGE_STATES = ("waiting", "sent", "failed")


class Message(Base):
    """One mail to one person. ``contract_id`` is ``None`` for account matters.

    A mail with a personal link in it has ``sealed_text`` (:mod:`webapp.core.credentials`) instead of ``text``,
    and loses it once it is sent. One with an ``invitation_id`` is sent only while that invitation stands.
    While a worker sends a mail, ``next_try_at`` lies ahead and ``attempts`` is its own number, so that nobody else
    takes it and a worker that comes back late writes nothing.
    """

    __tablename__ = "messages"
    __table_args__ = (
        one_of("state", MESSAGE_STATES),
        sa.Index(
            "ix_messages_due",
            "next_try_at",
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        ),
        sa.Index("ix_messages_recent", "contract_id", "id"),
        sa.Index("ix_messages_created_at", "created_at"),
        sa.Index(
            "ix_messages_invitation",
            "invitation_id",
            sqlite_where=sa.text("invitation_id IS NOT NULL"),
            postgresql_where=sa.text("invitation_id IS NOT NULL"),
        ),
    )

    id: Mapped[IntPk]
    contract_id: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("contracts.id"))
    invitation_id: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("invitations.id"))
    purpose: Mapped[str] = mapped_column(sa.String(40))
    recipient: Mapped[str] = mapped_column(sa.String(254))
    subject: Mapped[str] = mapped_column(sa.String(200))
    text: Mapped[str | None] = mapped_column(sa.Text)
    sealed_text: Mapped[str | None] = mapped_column(sa.Text)
    state: Mapped[str] = mapped_column(sa.String(10), default="waiting")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime] = mapped_column(default=utcnow)
    sent_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(sa.String(500), comment="why the last try failed")
