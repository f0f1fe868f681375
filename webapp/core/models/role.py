"""Roles: named sets of permissions, given to users."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.models.base import Base, BigInt, IntPk


class Role(Base):
    """A role of one contract. ``key`` names the six that come with every contract, else it is ``None``."""

    __tablename__ = "roles"
    __table_args__ = (
        sa.UniqueConstraint("contract_id", "id"),
        sa.UniqueConstraint("contract_id", "name"),
        sa.UniqueConstraint("contract_id", "key"),
    )

    id: Mapped[IntPk]
    contract_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("contracts.id"))
    key: Mapped[str | None] = mapped_column(sa.String(40))
    name: Mapped[str] = mapped_column(sa.String(100))
    description: Mapped[str] = mapped_column(sa.String(255), default="")
    undeletable: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(default=100)


class RolePermission(Base):
    """A permission that a role carries."""

    __tablename__ = "role_permissions"

    role_id: Mapped[int] = mapped_column(
        BigInt, sa.ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True
    )
    permission: Mapped[str] = mapped_column(sa.String(100), primary_key=True)


class UserRole(Base):
    """A role that a user has, in the same contract as both."""

    __tablename__ = "user_roles"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["contract_id", "user_id"], ["users.contract_id", "users.id"], ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["contract_id", "role_id"], ["roles.contract_id", "roles.id"]),
        sa.Index("ix_user_roles_by_role", "role_id", "contract_id", "user_id"),
    )

    user_id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    role_id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    contract_id: Mapped[int] = mapped_column(BigInt)
