"""Accounts (who signs in; global), their sessions, the links mailed to them and the throttle on guessing."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from flask_login import UserMixin
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.models.base import Base, BigInt, IntPk, KeyText, one_of, utcnow


class Account(UserMixin, Base):
    """Someone who can sign in. ``email_key`` is the email trimmed, NFKC and case-folded."""

    __tablename__ = "accounts"
    __table_args__ = (one_of("theme", ("system", "light", "dark")),)

    id: Mapped[IntPk]
    email: Mapped[str] = mapped_column(sa.String(254))
    email_key: Mapped[str] = mapped_column(KeyText, unique=True)
    name: Mapped[str] = mapped_column(sa.String(255))
    password_hash: Mapped[str | None] = mapped_column(sa.String(255))
    theme: Mapped[str] = mapped_column(sa.String(10), default="system")
    demo: Mapped[bool] = mapped_column(default=False)
    support: Mapped[bool] = mapped_column(
        default=False, server_default=sa.false(), comment="may look at the sync status of every contract"
    )
    support_may_sync: Mapped[bool] = mapped_column(
        default=False, server_default=sa.false(), comment="with support: may start syncs there as well"
    )
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    last_sign_in_at: Mapped[datetime | None]


class SignInSession(Base):
    """One signed-in browser. The cookie holds the secret, the table only its SHA-256."""

    __tablename__ = "sign_in_sessions"

    id: Mapped[IntPk]
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    account_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("accounts.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    last_seen_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    address: Mapped[str] = mapped_column(sa.String(64), default="")
    user_agent: Mapped[str] = mapped_column(sa.String(200), default="")

    account: Mapped[Account] = relationship(lazy="joined", innerjoin=True)


LINK_PURPOSES = ("reset", "email")


class AccountLink(Base):
    """A link mailed to an account: to set a new password, or to confirm a new ``email``. Only a hash is kept."""

    __tablename__ = "account_links"
    __table_args__ = (
        one_of("purpose", LINK_PURPOSES),
        sa.CheckConstraint("(purpose = 'email') = (email IS NOT NULL)", name="email_of_purpose"),
        sa.Index("ix_account_links_account_id", "account_id", "purpose"),
        sa.Index("ix_account_links_expires_at", "expires_at"),
    )

    id: Mapped[IntPk]
    account_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("accounts.id"))
    purpose: Mapped[str] = mapped_column(sa.String(10))
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    email: Mapped[str | None] = mapped_column(sa.String(254))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]


class SignInThrottle(Base):
    """Failed sign-ins for one key (an account's email, or a network address)."""

    __tablename__ = "sign_in_throttles"

    key: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    last_failed_at: Mapped[datetime] = mapped_column(default=utcnow)
    blocked_until: Mapped[datetime | None]
