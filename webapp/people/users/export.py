"""The users that a list's filters match, as a table: read and held a few hundred at a time, however many there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit import log
from webapp.core.database import write_transaction
from webapp.core.models import db
from webapp.core.spreadsheets.table import Row, Source, Table
from webapp.people.directory.directory import Directory
from webapp.people.directory.filters import Filters
from webapp.people.directory.rows import UserRow, rows_of
from webapp.people.directory.selection import Selection, find

CHUNK = 500  # users
HEAD = (
    "Name", "Username", "Email", "Third-party ID", "Status", "Status since", "Roles", "Team", "Reporting access",
    "Platforms", "No longer in", "Here since",
)  # fmt: skip
SEVERAL = "; "  # between roles, teams or platforms in one cell


@dataclass(frozen=True)
class UserExport(Source):
    """The users with ``ids``, in that order. Who is merged or has another status by now is given as they are."""

    directory: Directory
    ids: Sequence[int]

    def longer_than(self, session: Session, rows: int) -> bool:
        return len(self.ids) > rows

    def table(self, engine: sa.Engine) -> Table:
        """A row for each user."""
        return Table("Users", HEAD, self._chunks(engine))

    def _chunks(self, engine: sa.Engine) -> Iterator[list[Row]]:
        """Each in a short transaction of its own: a slow reader holds nothing up."""
        for start in range(0, len(self.ids), CHUNK):
            with Session(engine, expire_on_commit=False) as session:
                rows = rows_of(session, self.ids[start : start + CHUNK], self.directory)
            yield [_cells(row) for row in rows]


def matched(filters: Filters, directory: Directory) -> UserExport:
    """Everybody whom ``filters`` match now."""
    found = find(db.session(), Selection(filters, everyone=True), directory)
    return UserExport(directory, found.ids)


def note(export: UserExport, contract_name: str, chosen: dict[str, str]) -> None:
    """Write the audit row; ``chosen`` are the form of the file and the filters in words."""
    contract_id = export.directory.contract_id
    with write_transaction() as session:
        log.record(
            session,
            "users.exported",
            contract_name,
            contract_id=contract_id,
            target_type="contract",
            target_id=contract_id,
            details={"people": len(export.ids)} | chosen,
        )


def _cells(row: UserRow) -> Row:
    return (
        row.name,
        row.username,
        row.email,
        row.third_party_id,
        row.status,
        _moment(row.since),
        SEVERAL.join(row.roles),
        SEVERAL.join(team.path for team in row.teams),
        SEVERAL.join(row.access),
        SEVERAL.join(platform.label for platform in row.platforms),
        SEVERAL.join(link.platform.label for link in row.missing),
        _moment(row.created_at),
    )


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
