"""Questions about one person: why they are not here. Answered by a worker, forgotten after a day."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.models.base import Base, BigInt, IntPk, one_of, utcnow

QUESTION_STATES = ("queued", "running", "answered", "failed")
OPEN_STATES = ("queued", "running")


class Question(Base):
    """A name, an email or an ID that somebody looked for at a platform, and what a run would do with it.

    ``stage`` is how far the answer is, or where it failed: connect, fetch or match. A worker writes only while
    ``attempt`` is its own; once its lease has expired, the next tick lets another begin.
    """

    __tablename__ = "questions"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["contract_id", "integration_id"], ["integrations.contract_id", "integrations.id"]
        ),
        sa.Index("ix_questions_recent", "integration_id", "id"),
        sa.Index("ix_questions_state", "state"),
        sa.Index("ix_questions_asked_at", "asked_at"),
        one_of("state", QUESTION_STATES),
        one_of("stage", ("connect", "fetch", "match")),
    )

    id: Mapped[IntPk]
    contract_id: Mapped[int] = mapped_column(BigInt)
    integration_id: Mapped[int] = mapped_column(BigInt)
    text: Mapped[str] = mapped_column(sa.String(255))
    state: Mapped[str] = mapped_column(sa.String(10), default="queued")
    stage: Mapped[str | None] = mapped_column(sa.String(10))
    calls: Mapped[int] = mapped_column(default=0, comment="made to the platform so far")
    asked_at: Mapped[datetime] = mapped_column(default=utcnow)
    asked_by: Mapped[str] = mapped_column(sa.String(255), comment="their name then")
    started_at: Mapped[datetime | None]
    attempt: Mapped[int] = mapped_column(default=1, server_default="1")
    lease_expires_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    message: Mapped[str | None] = mapped_column(sa.String(1000), comment="why there is no answer")
    answer: Mapped[dict[str, Any] | None]

    @property
    def open(self) -> bool:
        return self.state in OPEN_STATES
