"""Integrations: a contract's connection to a platform, its User sync settings, and connection attempts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.models.base import Base, BigInt, IntPk, one_of, utcnow

CONNECTION_STATES = ("not_connected", "connected", "broken")


class Integration(Base):
    """A contract's connection to a platform.

    ``credentials`` is encrypted and bound to this row (:mod:`webapp.core.credentials`). ``broken`` means the
    platform refused our token; ``connection_message`` says in a sentence why.
    """

    __tablename__ = "integrations"
    __table_args__ = (
        sa.UniqueConstraint("contract_id", "id"),
        sa.UniqueConstraint("contract_id", "platform"),
        one_of("connection", CONNECTION_STATES),
        sa.CheckConstraint(
            "connection <> 'connected' OR credentials IS NOT NULL", name="connected_has_credentials"
        ),
    )

    id: Mapped[IntPk]
    contract_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("contracts.id"))
    platform: Mapped[str] = mapped_column(sa.String(40))
    connection: Mapped[str] = mapped_column(sa.String(20), default="not_connected")
    connection_message: Mapped[str | None] = mapped_column(sa.String(500))
    connection_changed_at: Mapped[datetime | None]
    credentials: Mapped[str | None] = mapped_column(sa.Text)
    site: Mapped[str | None] = mapped_column(sa.String(63), comment="the account's region or subdomain")
    refreshing_until: Mapped[datetime | None] = mapped_column(
        comment="a process exchanges the token and holds this lease"
    )
    remote_account_id: Mapped[str | None] = mapped_column(sa.String(255))
    remote_account_name: Mapped[str | None] = mapped_column(sa.String(255))
    connected_by_id: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("accounts.id"))
    connected_by: Mapped[str | None] = mapped_column(sa.String(255), comment="their name then")
    connected_as: Mapped[str | None] = mapped_column(
        sa.String(512), comment="name and e-mail at the platform"
    )
    connected_at: Mapped[datetime | None]
    name_rank: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="whose names win: the lowest that lists the person"
    )
    link_changes: Mapped[int] = mapped_column(
        default=0,
        server_default="0",
        comment="how often people changed who is linked; a run that planned before plans anew",
    )
    restored_at: Mapped[datetime | None] = mapped_column(
        comment="from a backup; the first good run after it is compared with what was restored"
    )
    created_at: Mapped[datetime] = mapped_column(default=utcnow)

    user_sync: Mapped[UserSync] = relationship(back_populates="integration", uselist=False)


class UserSync(Base):
    """Whether and how one integration is synced. Percentages are whole numbers."""

    __tablename__ = "user_syncs"
    __table_args__ = (
        sa.CheckConstraint("shrink_percent BETWEEN 1 AND 100", name="shrink_percent"),
        sa.CheckConstraint("shrink_people >= 1", name="shrink_people"),
        sa.CheckConstraint("growth_percent BETWEEN 1 AND 1000", name="growth_percent"),
        sa.CheckConstraint("growth_people >= 1", name="growth_people"),
        sa.Index("ix_user_syncs_due", "enabled", "next_run_at"),
        sa.Index(
            "ix_user_syncs_doubles",
            "doubles_wanted_at",
            sqlite_where=sa.text("doubles_wanted_at IS NOT NULL"),
            postgresql_where=sa.text("doubles_wanted_at IS NOT NULL"),
        ),
    )

    integration_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("integrations.id"), primary_key=True)
    enabled: Mapped[bool] = mapped_column(default=False)
    enabled_at: Mapped[datetime | None]
    enabled_by: Mapped[str | None] = mapped_column(sa.String(255))
    disabled_at: Mapped[datetime | None]
    disabled_by: Mapped[str | None] = mapped_column(sa.String(255))
    identifier_column: Mapped[str | None] = mapped_column(sa.String(100))
    left_out_types: Mapped[list[Any] | None] = mapped_column(comment="keys; none: the platform's defaults")
    types_seen: Mapped[list[Any] | None] = mapped_column(
        comment="the user types of the last fetch: key and label"
    )
    shrink_percent: Mapped[int] = mapped_column(default=20)
    shrink_people: Mapped[int] = mapped_column(default=5)
    growth_percent: Mapped[int] = mapped_column(default=50, server_default="50")
    growth_people: Mapped[int] = mapped_column(default=50, server_default="50")
    next_run_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None] = mapped_column(comment="the schedule makes no runs since then")
    paused_by: Mapped[str | None] = mapped_column(sa.String(255))
    pause_reason: Mapped[str | None] = mapped_column(sa.String(200))
    resumed_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="runs in a row that failed for a passing reason"
    )
    last_success_at: Mapped[datetime | None]
    last_imported_at: Mapped[datetime | None]
    last_imported: Mapped[int | None] = mapped_column(comment="people imported or renamed then")
    last_found: Mapped[int | None] = mapped_column(comment="people in the list of the last success")
    doubles_wanted_at: Mapped[datetime | None] = mapped_column(
        comment="a run changed somebody, so users who look like one human are to be looked for"
    )
    columns_seen: Mapped[list[Any] | None]
    columns_seen_at: Mapped[datetime | None]

    integration: Mapped[Integration] = relationship(back_populates="user_sync")


class ConnectAttempt(Base):
    """A started OAuth round: bound to browser session, account and contract, once only, for ten minutes."""

    __tablename__ = "connect_attempts"

    id: Mapped[IntPk]
    state_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    sign_in_session_id: Mapped[int] = mapped_column(
        BigInt, sa.ForeignKey("sign_in_sessions.id", ondelete="CASCADE"), index=True
    )
    contract_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("contracts.id"))
    platform: Mapped[str] = mapped_column(sa.String(40))
    details: Mapped[dict[str, Any]]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
