"""Activations: who was made active together, with what, and what undoing it needs to know."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.models.base import Base, BigInt, IntPk, one_of

ACTIVATED_FROM = ("pending", "inactive")


class Activation(Base):
    """Users who became active in one transaction, at ``at``. IDs are text as :func:`webapp.core.id_ranges.ranges`.

    ``given``: a list of ``{"ids", "roles", "team", "access"}``, one for each set-up that was given.
    ``before``: a list of ``{"ids", "since", "left", "account"}``: since when they had the status before, since when
    they had left, and whether an account was tied to them.
    """

    __tablename__ = "activations"
    __table_args__ = (
        one_of("before_status", ACTIVATED_FROM),
        sa.Index("ix_activations_recent", "contract_id", "id"),
    )

    id: Mapped[IntPk]
    contract_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("contracts.id"))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(sa.String(255))
    before_status: Mapped[str] = mapped_column(sa.String(10))
    people: Mapped[int]
    first_name: Mapped[str] = mapped_column(sa.String(255))
    given: Mapped[list[Any]]
    before: Mapped[list[Any]]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None] = mapped_column(sa.String(255))
