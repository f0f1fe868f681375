"""The rule by which a contract lets people go who have been missing for long."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.models.base import Base, BigInt, utcnow

RULE_DAYS = (1, 365)


class LeaverRule(Base):
    """After how many days missing a contract's people are deactivated; no row means never.

    ``held_at`` is set while more people are due than the safeguard allows, until somebody has decided.
    """

    __tablename__ = "leaver_rules"
    __table_args__ = (sa.CheckConstraint("days BETWEEN 1 AND 365", name="days"),)

    contract_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("contracts.id"), primary_key=True)
    days: Mapped[int]
    set_at: Mapped[datetime] = mapped_column(default=utcnow)
    set_by: Mapped[str] = mapped_column(sa.String(255))
    next_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    held_at: Mapped[datetime | None]
    held_people: Mapped[int | None] = mapped_column(comment="how many were due then")
    spared_until: Mapped[datetime | None] = mapped_column(
        comment="a person decided: whoever was gone by then stays as they are"
    )
