"""What people decided about persons of a platform: who is left out, and who somebody in conflict is."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.models.base import Base, BigInt, IntPk, one_of, utcnow

EXCLUSION_KINDS = ("person", "email")


def _same_contract() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["contract_id", "integration_id"], ["integrations.contract_id", "integrations.id"]
    )


class Exclusion(Base):
    """Somebody who stays out: a person by remote ID, or everybody whose email fits a pattern (``*`` and ``?``).

    ``label`` is the person's name then; empty for a pattern.
    """

    __tablename__ = "exclusions"
    __table_args__ = (
        _same_contract(),
        sa.UniqueConstraint("integration_id", "kind", "value"),
        one_of("kind", EXCLUSION_KINDS),
    )

    id: Mapped[IntPk]
    contract_id: Mapped[int] = mapped_column(BigInt)
    integration_id: Mapped[int] = mapped_column(BigInt)
    kind: Mapped[str] = mapped_column(sa.String(10))
    value: Mapped[str] = mapped_column(sa.String(255))
    label: Mapped[str] = mapped_column(sa.String(255), default="")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    created_by: Mapped[str] = mapped_column(sa.String(255))


class Decision(Base):
    """What a person in conflict is: the user ``user_id``, or someone new when that is ``None``.

    One that was forgotten counts for nothing and stays to be read.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        _same_contract(),
        sa.ForeignKeyConstraint(["contract_id", "user_id"], ["users.contract_id", "users.id"]),
        sa.Index(
            "uq_decisions_in_force",
            "integration_id",
            "remote_id",
            unique=True,
            sqlite_where=sa.text("forgotten_at IS NULL"),
            postgresql_where=sa.text("forgotten_at IS NULL"),
        ),
        sa.Index(
            "ix_decisions_by_user",
            "user_id",
            sqlite_where=sa.text("user_id IS NOT NULL"),
            postgresql_where=sa.text("user_id IS NOT NULL"),
        ),
    )

    id: Mapped[IntPk]
    contract_id: Mapped[int] = mapped_column(BigInt)
    integration_id: Mapped[int] = mapped_column(BigInt)
    remote_id: Mapped[str] = mapped_column(sa.String(255))
    person_name: Mapped[str] = mapped_column(sa.String(255))
    reason: Mapped[str] = mapped_column(sa.String(60), comment="of the conflict that was decided")
    user_id: Mapped[int | None] = mapped_column(BigInt)
    moved_from: Mapped[str | None] = mapped_column(
        sa.String(255), comment="the remote ID that the user was linked to before"
    )
    decided_at: Mapped[datetime] = mapped_column(default=utcnow)
    decided_by: Mapped[str] = mapped_column(sa.String(255))
    forgotten_at: Mapped[datetime | None]
