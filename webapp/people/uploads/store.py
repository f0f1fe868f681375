"""Files that were uploaded: kept for a day, so that what is confirmed is what was looked at."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.database import rows_changed, write_transaction
from webapp.core.models import UserUpload, table_of, utcnow
from webapp.core.text import clean
from webapp.people.uploads.parse import Sheet, read

KEPT = timedelta(days=1)
WAITING = 3  # files of one account that wait beside a new one, as in other tabs of its browser


def keep(contract_id: int, data: bytes, file_name: str, *, account_id: int, by: str) -> int:
    """Read a file and keep it, beside the last :data:`WAITING` that the account uploaded and did not add; its ID.

    Raises :class:`~webapp.people.uploads.parse.Unreadable`.
    """
    sheet = read(data)
    waiting = (
        UserUpload.contract_id == contract_id,
        UserUpload.account_id == account_id,
        UserUpload.finished_at.is_(None),
    )
    with write_transaction() as session:
        last = sa.select(UserUpload.id).where(*waiting).order_by(UserUpload.id.desc()).limit(WAITING)
        rows_changed(session, sa.delete(table_of(UserUpload)).where(*waiting, UserUpload.id.not_in(last)))
        upload = UserUpload(
            contract_id=contract_id,
            account_id=account_id,
            uploaded_by=by[:255],
            file_name=(clean(file_name) or "")[-200:].strip() or "users.csv",
            sheet=msgspec.to_builtins(sheet),
        )
        session.add(upload)
        session.flush()
        return upload.id


def kept(
    session: Session, contract_id: int, upload_id: int, *, account_id: int | None, lock: bool = False
) -> UserUpload | None:
    """The upload as it is now, while it is kept, for the account that uploaded it: it is nobody else's.

    With ``lock``, nobody else changes it until the transaction ends.
    """
    wanted = sa.select(UserUpload).where(
        UserUpload.contract_id == contract_id,
        UserUpload.id == upload_id,
        UserUpload.account_id == account_id,
        UserUpload.uploaded_at > utcnow() - KEPT,
    )
    if lock:
        wanted = wanted.with_for_update()
    return session.scalars(wanted.execution_options(populate_existing=True)).one_or_none()


def sheet_of(upload: UserUpload) -> Sheet:
    """What was read of the file."""
    return msgspec.convert(upload.sheet, Sheet)


def tidy(session: Session, now: datetime) -> None:
    """Forget what is older than a day."""
    rows_changed(session, sa.delete(table_of(UserUpload)).where(UserUpload.uploaded_at <= now - KEPT))
