"""Two users who are one human: pairs that look like it, and the merges that people made."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.models.base import Base, BigInt, IntPk, utcnow


def _user(column: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["contract_id", column], ["users.contract_id", "users.id"], ondelete=ondelete
    )


class MergeProposal(Base):
    """Two users who look like one human. ``evidence`` are codes of :mod:`webapp.people.merges.find_duplicates`.

    One that was dismissed stays, so that the pair is never proposed again. Undoing a merge dismisses the pair, which
    has no evidence until the next search.
    """

    __tablename__ = "merge_proposals"
    __table_args__ = (
        _user("first_id", "CASCADE"),
        _user("second_id", "CASCADE"),
        sa.UniqueConstraint("contract_id", "first_id", "second_id"),
        sa.CheckConstraint("first_id < second_id", name="in_order"),
        sa.Index("ix_merge_proposals_by_strength", "contract_id", "strong", "id"),
        sa.Index("ix_merge_proposals_by_second", "contract_id", "second_id"),
    )

    id: Mapped[IntPk]
    contract_id: Mapped[int] = mapped_column(BigInt)
    first_id: Mapped[int] = mapped_column(BigInt)
    second_id: Mapped[int] = mapped_column(BigInt)
    evidence: Mapped[list[Any]]
    strong: Mapped[bool]
    found_at: Mapped[datetime] = mapped_column(default=utcnow)
    dismissed_at: Mapped[datetime | None]
    dismissed_by: Mapped[str | None] = mapped_column(sa.String(255))


class Merge(Base):
    """User ``gone_id`` went into ``kept_id``. ``before`` is what undoing needs (:mod:`webapp.people.merges.merge`)."""

    __tablename__ = "merges"
    __table_args__ = (
        _user("kept_id"),
        _user("gone_id"),
        sa.CheckConstraint("kept_id <> gone_id", name="two_users"),
        sa.Index(
            "uq_merges_in_force",
            "gone_id",
            unique=True,
            sqlite_where=sa.text("undone_at IS NULL"),
            postgresql_where=sa.text("undone_at IS NULL"),
        ),
        sa.Index("ix_merges_by_kept", "contract_id", "kept_id"),
    )

    id: Mapped[IntPk]
    contract_id: Mapped[int] = mapped_column(BigInt)
    kept_id: Mapped[int] = mapped_column(BigInt)
    gone_id: Mapped[int] = mapped_column(BigInt)
    gone_name: Mapped[str] = mapped_column(sa.String(255))
    before: Mapped[dict[str, Any]]
    merged_at: Mapped[datetime] = mapped_column(default=utcnow)
    merged_by: Mapped[str] = mapped_column(sa.String(255))
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[str | None] = mapped_column(sa.String(255))
