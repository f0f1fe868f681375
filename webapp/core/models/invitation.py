"""Invitations: a mail with a link by which an active user gets an account to sign in with."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.models.base import Base, BigInt, IntPk, KeyText, one_of, utcnow

INVITATION_OUTCOMES = ("accepted", "revoked", "replaced")
_OPEN = "outcome IS NULL"


class Invitation(Base):
    """One link that was sent. It is bound to the user and the email; the table holds only a hash of its token.

    ``outcome`` says how it ended, ``replaced`` by a newer one; without one it is open until ``expires_at``.
    """

    __tablename__ = "invitations"
    __table_args__ = (
        sa.ForeignKeyConstraint(["contract_id", "user_id"], ["users.contract_id", "users.id"]),
        sa.ForeignKeyConstraint(["contract_id", "inviter_id"], ["users.contract_id", "users.id"]),
        one_of("outcome", INVITATION_OUTCOMES),
        sa.Index("ix_invitations_by_user", "contract_id", "user_id", "id"),
        sa.Index("ix_invitations_by_inviter", "contract_id", "inviter_id"),
        sa.Index(
            "uq_invitations_open",
            "user_id",
            unique=True,
            sqlite_where=sa.text(_OPEN),
            postgresql_where=sa.text(_OPEN),
        ),
    )

    id: Mapped[IntPk]
    contract_id: Mapped[int] = mapped_column(BigInt)
    user_id: Mapped[int] = mapped_column(BigInt)
    email: Mapped[str] = mapped_column(sa.String(254))
    email_key: Mapped[str] = mapped_column(KeyText)
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    inviter_id: Mapped[int] = mapped_column(BigInt, comment="the user who sent it")
    invited_by: Mapped[str] = mapped_column(sa.String(255), comment="their name then")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    outcome: Mapped[str | None] = mapped_column(sa.String(10))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(sa.String(255), comment="the name of who ended it")
