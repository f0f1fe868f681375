"""Adding the users of an upload: judged again under the lock, all that was shown or nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit import log
from webapp.core.bulk_rows import insert_rows
from webapp.core.contracts import licences_used
from webapp.core.database import write_transaction
from webapp.core.match_keys import USER_KEYS, match_key, user_keys
from webapp.core.models import ReportingAccess, User, UserRole, UserTeam, UserUpload, table_of, utcnow
from webapp.people.activation.activate import LicencesExceeded
from webapp.people.bulk.audit_details import given
from webapp.people.directory import bulk
from webapp.people.directory.directory import Directory, directory_of
from webapp.people.directory.giving import giver_now
from webapp.people.directory.setup import SetUp
from webapp.people.merges.merge import links_change
from webapp.people.uploads.existing import taken_by
from webapp.people.uploads.parse import Sheet
from webapp.people.uploads.rows import Rows
from webapp.people.uploads.store import kept, sheet_of
from webapp.people.uploads.validate import WAYS, Entry, Judgement, judge


class Forgotten(Exception):
    """Whoever asks has no such upload in the contract (any more)."""


class AlreadyAdded(Exception):
    """The upload was added before; nothing was done again."""


class NotAdded(Exception):
    """Nobody was added. ``judgement`` is that of the rows, where they were judged: its page need not do so again."""

    def __init__(self, judgement: Judgement | None = None) -> None:
        super().__init__()
        self.judgement = judgement


class Changed(NotAdded):
    """Rows are judged otherwise than was shown."""


class RowsWrong(NotAdded):
    """Rows have a problem, and nobody said to leave them out."""


class NobodyLeft(NotAdded):
    """No row can be added."""


def add(
    contract_id: int, upload_id: int, way: str, *, leave_out: bool, stamp: str, by_user_id: int
) -> bulk.Done:
    """Add everybody who can be added, as pending or active, in one transaction with its audit row.

    ``stamp`` is that of the judgement shown. Raises, with nothing changed: :class:`Forgotten`, :class:`AlreadyAdded`,
    :class:`Changed`, :class:`RowsWrong`, :class:`NobodyLeft`, ``LicencesExceeded`` and ``access.Refused``.
    """
    if way not in WAYS:
        raise ValueError(way)
    try:
        with write_transaction() as session:
            return _add(session, contract_id, upload_id, way, leave_out, stamp, by_user_id)
    except sa.exc.IntegrityError as error:  # a username was taken, or a role or team removed, at this moment
        raise Changed from error


def _add(
    session: Session,
    contract_id: int,
    upload_id: int,
    way: str,
    leave_out: bool,
    stamp: str,
    by_user_id: int,
) -> bulk.Done:
    bought = bulk.lock_licences(session, contract_id)
    account_id = session.scalar(sa.select(User.account_id).where(User.id == by_user_id))
    upload = kept(session, contract_id, upload_id, account_id=account_id, lock=True)
    if upload is None:
        raise Forgotten
    if upload.finished_at is not None:
        raise AlreadyAdded
    links_change(session, contract_id)  # a run that planned before would import them once more
    directory = directory_of(session, contract_id)
    giver = giver_now(session, directory, by_user_id)
    sheet = sheet_of(upload)
    rows = Rows(sheet)
    judgement = judge(rows, taken_by(session, contract_id, rows), directory, giver, way)
    if judgement.stamp != stamp:
        raise Changed(judgement)
    if judgement.problems and not leave_out:
        raise RowsWrong(judgement)
    if not judgement.entries:
        raise NobodyLeft(judgement)
    used = licences_used(session, contract_id)
    if way == "active":
        if used + len(judgement.entries) > bought:
            raise LicencesExceeded(bought=bought, used=used, wanted=len(judgement.entries))
        used += len(judgement.entries)
    now = utcnow()
    ids = _insert(session, contract_id, judgement.entries, way, now)
    _record(session, upload, judgement, ids, way, directory)
    upload.finished_at = now
    upload.added, upload.added_as = len(ids), way
    upload.sheet = msgspec.to_builtins(left_out(sheet, judgement))
    return bulk.Done(ids, [entry.name for entry in judgement.entries[: bulk.NAMED]], bought, used)


def _insert(
    session: Session, contract_id: int, entries: list[Entry], status: str, now: datetime
) -> list[int]:
    """Insert the users and what they get; their IDs, in the order of ``entries``."""
    connection = session.connection()
    rows = []
    for entry in entries:
        values = {
            "name": entry.name,
            "username": entry.username,
            "email": entry.email,
            "third_party_id": entry.third_party_id,
        }
        rows.append((*values.values(), *user_keys(**values).values()))  # type: ignore[arg-type]
    insert_rows(
        connection,
        table_of(User),
        ("name", "username", "email", "third_party_id", *USER_KEYS),
        rows,
        {
            "contract_id": contract_id,
            "status": status,
            "status_since": now,
            "created_at": now,
            "changed_at": now,
        },
    )
    keys = [match_key(entry.username) or "" for entry in entries]
    found: dict[str, int] = dict(
        session.execute(
            sa.select(User.username_key, User.id).where(
                User.contract_id == contract_id, User.username_key.in_(keys), User.status == status
            )
        ).all()
    )
    ids = [found[key] for key in keys]
    given = [
        (user, entry.set_up) for user, entry in zip(ids, entries, strict=True) if entry.set_up is not None
    ]
    parts: tuple[tuple[Any, str, Callable[[SetUp], Iterable[int]]], ...] = (
        (UserRole, "role_id", lambda set_up: sorted(set_up.roles)),
        (UserTeam, "team_id", lambda set_up: [set_up.team] if set_up.team is not None else []),
        (ReportingAccess, "team_id", lambda set_up: sorted(set_up.access)),
    )
    for model, column, things in parts:
        pairs = [(user, thing) for user, set_up in given for thing in things(set_up)]
        insert_rows(connection, table_of(model), ("user_id", column), pairs, {"contract_id": contract_id})
    return ids


def _record(
    session: Session, upload: UserUpload, judgement: Judgement, ids: list[int], way: str, directory: Directory
) -> None:
    names = [entry.name for entry in judgement.entries]
    details: dict[str, Any] = {
        "file": upload.file_name,
        "added as": way,
        "added": len(ids),
        "left out": len(judgement.bad_rows),
    }
    groups: dict[SetUp, list[int]] = {}
    for user_id, entry in zip(ids, judgement.entries, strict=True):
        if entry.set_up is not None:
            groups.setdefault(entry.set_up, []).append(user_id)
    to_whom = given(ids, names, groups, directory) if groups else bulk.who(ids, names[: bulk.NAMED])
    log.record(
        session,
        "users.uploaded",
        contract_id=upload.contract_id,
        details=details | to_whom,
        **bulk.target_of(ids, names),
    )


def left_out(sheet: Sheet, judgement: Judgement) -> Sheet:
    """The rows with a problem, each with what is wrong with it."""
    reasons: dict[int, list[str]] = {}
    for problem in judgement.problems:
        column = f"{problem.column.replace('_', ' ')}: " if problem.column else ""
        reasons.setdefault(problem.row, []).append(column + problem.text)
    lines = [
        msgspec.structs.replace(line, why=" ".join(reasons[line.number]))
        for line in sheet.lines
        if line.number in reasons
    ]
    return msgspec.structs.replace(sheet, lines=lines)
