"""What people are told of by mail: incidents of an integration, reminders, and who wants to hear of what."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.models.base import Base, BigInt, IntPk, one_of, utcnow

INCIDENT_KINDS = ("broken", "held", "overdue", "quarantine", "first_import")
INCIDENT_ENDS = ("recovered", "decided", "moot")


class Incident(Base):
    """Something that somebody has to know of an integration, from when until when.

    One of a kind is open at a time. ``ended`` says how it was closed: by itself or a repair (recovered), by a
    person's decision (decided), or because it stopped mattering (moot). ``announce`` says what people have not
    been told yet; ``announced_at`` is when they were told of its beginning. ``first_import`` is closed as it
    is opened.
    """

    __tablename__ = "incidents"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["contract_id", "integration_id"], ["integrations.contract_id", "integrations.id"]
        ),
        one_of("kind", INCIDENT_KINDS),
        one_of("ended", INCIDENT_ENDS),
        sa.Index(
            "uq_incidents_one_open",
            "integration_id",
            "kind",
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        ),
        one_of("announce", ("beginning", "end")),
        sa.Index(
            "ix_incidents_to_announce",
            "id",
            sqlite_where=sa.text("announce IS NOT NULL"),
            postgresql_where=sa.text("announce IS NOT NULL"),
        ),
        sa.Index("ix_incidents_recent", "integration_id", "id"),
    )

    id: Mapped[IntPk]
    contract_id: Mapped[int] = mapped_column(BigInt)
    integration_id: Mapped[int] = mapped_column(BigInt)
    kind: Mapped[str] = mapped_column(sa.String(20))
    opened_at: Mapped[datetime] = mapped_column(default=utcnow)
    message: Mapped[str] = mapped_column(sa.String(1000), default="", comment="what happened, in sentences")
    run_id: Mapped[int | None] = mapped_column(BigInt, comment="the run it showed in")
    closed_at: Mapped[datetime | None]
    ended: Mapped[str | None] = mapped_column(sa.String(10))
    announce: Mapped[str | None] = mapped_column(sa.String(10), default="beginning")
    announced_at: Mapped[datetime | None]


class Reminder(Base):
    """When a contract is looked at next for people who have been waiting to be activated."""

    __tablename__ = "reminders"

    contract_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("contracts.id"), primary_key=True)
    next_at: Mapped[datetime] = mapped_column(index=True)
    sent_at: Mapped[datetime | None]


class NotificationChoice(Base):
    """What one user chose about one kind of mail; without a row the default of their roles counts."""

    __tablename__ = "notification_choices"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["contract_id", "user_id"], ["users.contract_id", "users.id"], ondelete="CASCADE"
        ),
    )

    contract_id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    user_id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    wanted: Mapped[bool]
