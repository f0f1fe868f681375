"""Contracts (the tenants) and the features that are switched on for them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.models.base import Base, BigInt, IntPk, utcnow


class Contract(Base):
    """One customer's contract. ``licences`` is how many active users it has bought."""

    __tablename__ = "contracts"
    __table_args__ = (sa.CheckConstraint("licences >= 0", name="licences"),)

    id: Mapped[IntPk]
    slug: Mapped[str] = mapped_column(sa.String(63), unique=True)
    name: Mapped[str] = mapped_column(sa.String(255))
    time_zone: Mapped[str] = mapped_column(sa.String(64), default="UTC")
    licences: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class ContractFeature(Base):
    """A feature that is on for a contract; no row means off."""

    __tablename__ = "contract_features"

    contract_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("contracts.id"), primary_key=True)
    feature: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    enabled_at: Mapped[datetime] = mapped_column(default=utcnow)
