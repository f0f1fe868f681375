"""The audit log: one row for each administrative change, written with it, never altered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.models.base import Base, BigInt, IntPk, utcnow


class AuditEvent(Base):
    """Who did what to which thing, when, and from where. ``contract_id`` is ``None`` for account matters."""

    __tablename__ = "audit_events"
    __table_args__ = (
        sa.Index("ix_audit_events_by_time", "contract_id", "at", "id"),
        sa.Index("ix_audit_events_by_actor", "contract_id", "actor", "at", "id"),
        sa.Index("ix_audit_events_by_action", "contract_id", "action", "at", "id"),
        sa.Index("ix_audit_events_by_kind", "contract_id", "target_type", "at", "id"),
        sa.Index("ix_audit_events_about", "contract_id", "target_type", "target_id", "id"),
    )

    id: Mapped[IntPk]
    contract_id: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("contracts.id"))
    at: Mapped[datetime] = mapped_column(default=utcnow)
    actor_id: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("accounts.id"))
    actor: Mapped[str] = mapped_column(sa.String(255), comment="their name then, or the command")
    action: Mapped[str] = mapped_column(sa.String(60))
    target: Mapped[str] = mapped_column(sa.String(255), comment="what it was done to, in words")
    target_type: Mapped[str | None] = mapped_column(sa.String(40))
    target_id: Mapped[int | None] = mapped_column(BigInt)
    details: Mapped[dict[str, Any] | None]
    address: Mapped[str | None] = mapped_column(sa.String(64))
    request_id: Mapped[str | None] = mapped_column(sa.String(40))
