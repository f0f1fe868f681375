"""Teams: a tree of up to seven levels, who is in them, and who may see which part."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.models.base import Base, BigInt, IntPk

MAX_LEVELS = 7
TEAM_NAME_LENGTH = (3, 255)  # characters


class Team(Base):
    """One part of a contract's structure. ``level`` is 1 for a top-level part.

    Archived is a team with ``archived_at``, and every team below one: nobody is put into it any more.
    """

    __tablename__ = "teams"
    __table_args__ = (
        sa.UniqueConstraint("contract_id", "id"),
        sa.ForeignKeyConstraint(["contract_id", "parent_id"], ["teams.contract_id", "teams.id"]),
        sa.CheckConstraint("level BETWEEN 1 AND 7", name="level"),
        sa.CheckConstraint("length(name) BETWEEN 3 AND 255", name="name_length"),
        sa.CheckConstraint("(parent_id IS NULL) = (level = 1)", name="root_level"),
        sa.Index("ix_teams_by_parent", "contract_id", "parent_id"),
        sa.Index(
            "uq_teams_sibling_name",
            "contract_id",
            sa.text("coalesce(parent_id, 0)"),
            "name",
            unique=True,
        ),
    )

    id: Mapped[IntPk]
    contract_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("contracts.id"))
    parent_id: Mapped[int | None] = mapped_column(BigInt)
    level: Mapped[int]
    name: Mapped[str] = mapped_column(sa.String(TEAM_NAME_LENGTH[1]))
    archived_at: Mapped[datetime | None]


def _same_contract() -> tuple[sa.ForeignKeyConstraint, sa.ForeignKeyConstraint]:
    return (
        sa.ForeignKeyConstraint(
            ["contract_id", "user_id"], ["users.contract_id", "users.id"], ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["contract_id", "team_id"], ["teams.contract_id", "teams.id"]),
    )


class UserTeam(Base):
    """A user is in a team of the same contract."""

    __tablename__ = "user_teams"
    __table_args__ = (
        *_same_contract(),
        sa.Index("ix_user_teams_by_team", "team_id", "contract_id", "user_id"),
    )

    user_id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    team_id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    contract_id: Mapped[int] = mapped_column(BigInt)


class ReportingAccess(Base):
    """A user may see results of a team and of everything below it."""

    __tablename__ = "reporting_access"
    __table_args__ = (*_same_contract(), sa.Index("ix_reporting_access_by_team", "team_id", "contract_id"))

    user_id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    team_id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    contract_id: Mapped[int] = mapped_column(BigInt)
