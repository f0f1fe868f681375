"""Users: the people of one contract, pending, active, inactive or ignored."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.models.base import Base, BigInt, IntPk, KeyText, one_of, utcnow

USER_STATUSES = ("pending", "active", "inactive", "ignored")
IGNORED = "ignored"  # was pending and shall not be; whoever they are on a platform is excluded there
MERGED = "merged"  # went into another user: nobody any more, kept for the history and the way back
USERNAME_LENGTH = (3, 100)  # characters
NAME_MAX = 255  # characters


class User(Base):
    """A person in one contract. Statements about people leave out who is :data:`MERGED` (:func:`is_here`).

    The ``*_key`` columns hold the value trimmed, NFKC and case-folded (:func:`webapp.core.match_keys.match_key`);
    matching, uniqueness, sorting and search use them. ``search_key`` is name, username, email and
    third-party ID, case-folded, joined by line feeds and cut to what every index entry can hold. A line feed
    sorts before every character of a name, so its order is that of the names.
    """

    __tablename__ = "users"
    __table_args__ = (
        one_of("status", (*USER_STATUSES, MERGED)),
        sa.CheckConstraint("length(username) BETWEEN 3 AND 100", name="username_length"),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 255", name="name_length"),
        sa.UniqueConstraint("contract_id", "id"),
        sa.UniqueConstraint("contract_id", "account_id"),
        sa.Index(
            "uq_users_username",
            "contract_id",
            "username_key",
            unique=True,
            sqlite_where=sa.text("status <> 'merged'"),
            postgresql_where=sa.text("status <> 'merged'"),
        ),
        sa.Index("ix_users_by_status", "contract_id", "status"),
        sa.Index("ix_users_by_name", "contract_id", "status", "search_key", "id"),
        sa.Index("ix_users_by_username", "contract_id", "status", "username_key", "id"),
        sa.Index("ix_users_by_email", "contract_id", "email_key", "status", "id"),
        sa.Index("ix_users_by_status_since", "contract_id", "status", "status_since", "id"),
        sa.Index("ix_users_by_third_party", "contract_id", "third_party_key"),
        sa.Index(
            "ix_users_left",
            "contract_id",
            "id",
            sqlite_where=sa.text("left_since IS NOT NULL"),
            postgresql_where=sa.text("left_since IS NOT NULL"),
        ),
        {"sqlite_autoincrement": True},  # the ID of somebody who was removed is never another's
    )

    id: Mapped[IntPk]
    contract_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("contracts.id"))
    account_id: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("accounts.id"), index=True)
    status: Mapped[str] = mapped_column(sa.String(10))
    status_since: Mapped[datetime] = mapped_column(default=utcnow)
    name: Mapped[str] = mapped_column(sa.String(NAME_MAX))
    name_key: Mapped[str] = mapped_column(KeyText)
    username: Mapped[str] = mapped_column(sa.String(USERNAME_LENGTH[1]))
    username_key: Mapped[str] = mapped_column(KeyText)
    email: Mapped[str | None] = mapped_column(sa.String(254))
    email_key: Mapped[str | None] = mapped_column(KeyText)
    third_party_id: Mapped[str | None] = mapped_column(sa.String(255))
    third_party_key: Mapped[str | None] = mapped_column(KeyText)
    search_key: Mapped[str] = mapped_column(KeyText)
    source_integration_id: Mapped[int | None] = mapped_column(
        BigInt, sa.ForeignKey("integrations.id"), comment="the integration that imported this user"
    )
    named_by_integration_id: Mapped[int | None] = mapped_column(
        BigInt, sa.ForeignKey("integrations.id"), comment="the integration that gave the name last"
    )
    named_at: Mapped[datetime | None] = mapped_column(comment="when that was")
    left_since: Mapped[datetime | None] = mapped_column(
        comment="of an inactive user who was on no platform any more when deactivated: since when"
    )
    last_seen_at: Mapped[datetime | None] = mapped_column(
        comment="when their account opened a page of the contract last, give or take some minutes"
    )
    sign_ins_ended_at: Mapped[datetime | None] = mapped_column(
        comment="sign-ins from before do not open the contract"
    )
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    changed_at: Mapped[datetime] = mapped_column(default=utcnow)


def is_here() -> sa.ColumnElement[bool]:
    """Whether a user is somebody, and not merged into another. Written out, so that the unique index serves it."""
    return User.status != sa.literal_column("'merged'")
