"""Telling programs: a contract's webhook with its deliveries, and the notices that platforms send to us."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.models.base import Base, BigInt, IntPk, one_of, utcnow

DELIVERY_STATES = ("waiting", "delivered", "failed")


class Webhook(Base):
    """Where a contract's events are sent. ``secret`` signs them; it is stored encrypted and bound to this row."""

    __tablename__ = "webhooks"
    __table_args__ = (sa.UniqueConstraint("contract_id", "id"),)

    id: Mapped[IntPk]
    contract_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("contracts.id"), unique=True)
    url: Mapped[str] = mapped_column(sa.String(500))
    secret: Mapped[str] = mapped_column(sa.Text, comment="encrypted")
    events: Mapped[list[Any]]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class WebhookDelivery(Base):
    """One event on its way to a webhook, and how the last try went.

    ``body`` is what is signed and sent, the same at every try; ``event_id`` tells the receiver so. While a
    worker sends it, ``next_try_at`` lies ahead and ``attempts`` is its own number.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["contract_id", "webhook_id"], ["webhooks.contract_id", "webhooks.id"], ondelete="CASCADE"
        ),
        one_of("state", DELIVERY_STATES),
        sa.Index(
            "ix_webhook_deliveries_due",
            "next_try_at",
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        ),
        sa.Index("ix_webhook_deliveries_recent", "webhook_id", "id"),
        sa.Index("ix_webhook_deliveries_created_at", "created_at"),
    )

    id: Mapped[IntPk]
    contract_id: Mapped[int] = mapped_column(BigInt)
    webhook_id: Mapped[int] = mapped_column(BigInt)
    event_id: Mapped[str] = mapped_column(sa.String(40), unique=True)
    event: Mapped[str] = mapped_column(sa.String(20))
    run_id: Mapped[int | None] = mapped_column(BigInt)
    body: Mapped[str] = mapped_column(sa.Text)
    state: Mapped[str] = mapped_column(sa.String(10), default="waiting")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    attempts: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime] = mapped_column(default=utcnow)
    tried_at: Mapped[datetime | None]  # when the last try ended
    status: Mapped[int | None] = mapped_column(comment="what the receiver answered")
    milliseconds: Mapped[int | None]
    error: Mapped[str | None] = mapped_column(sa.String(300), comment="why the last try failed")


class PlatformNotice(Base):
    """A notice a platform sent, remembered so that it counts once."""

    __tablename__ = "platform_notices"

    platform: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    notice_id: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
