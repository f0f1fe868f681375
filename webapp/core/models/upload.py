"""Files of users that were uploaded and read, kept until they are added or a day has passed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.models.base import Base, BigInt, IntPk, one_of, utcnow


class UserUpload(Base):
    """One file. ``sheet`` is what was read of it (:class:`webapp.people.uploads.parse.Sheet`).

    Once it is ``finished_at``, the sheet holds only the rows that were left out, each with its reason.
    """

    __tablename__ = "user_uploads"
    __table_args__ = (
        one_of("added_as", ("pending", "active")),
        sa.Index("ix_user_uploads_of_account", "contract_id", "account_id"),
        sa.Index("ix_user_uploads_uploaded_at", "uploaded_at"),
        {"sqlite_autoincrement": True},  # a page of a file that is forgotten must not lead to the next one
    )

    id: Mapped[IntPk]
    contract_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("contracts.id"))
    account_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("accounts.id"))
    uploaded_by: Mapped[str] = mapped_column(sa.String(255), comment="their name then")
    uploaded_at: Mapped[datetime] = mapped_column(default=utcnow)
    file_name: Mapped[str] = mapped_column(sa.String(255))
    sheet: Mapped[dict[str, Any] | None]
    finished_at: Mapped[datetime | None]
    added: Mapped[int] = mapped_column(default=0)
    added_as: Mapped[str | None] = mapped_column(sa.String(10))
