"""The audit log as a file: what the filters find, sent while it is read, and itself in the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.administration.audit.filters import Filters
from webapp.administration.audit.queries import newest
from webapp.core.audit import log as audit_log
from webapp.core.audit import masking
from webapp.core.audit.words import action_text, details_of, kind_label, text_of
from webapp.core.database import write_transaction
from webapp.core.models import AuditEvent
from webapp.core.spreadsheets.table import Source, Table, more_than

CHUNK = 500  # entries
HEAD = ("Time", "Time (UTC)", "Who", "Action", "What", "Kind", "Details", "IDs", "From", "Request", "Code")


@dataclass(frozen=True)
class Export(Source):
    """The entries of a contract before ``until`` that pass ``filters``."""

    contract_id: int
    filters: Filters
    zone: ZoneInfo
    until: datetime

    def longer_than(self, session: Session, rows: int) -> bool:
        return more_than(session, AuditEvent, self._where(), rows)

    def table(self, engine: sa.Engine) -> Table:
        """A row for each entry, newest first."""
        chunks = ([self._cells(event) for event in found] for found in self._chunks(engine))
        return Table("Audit log", HEAD, chunks)

    def _cells(self, event: AuditEvent) -> Sequence[object]:
        details = []
        for label, before, after in details_of(masking.details_of(event)):
            change = f"{before or 'blank'} → {after or 'blank'}" if before is not None else after
            details.append(f"{label}: {change}" if change else label)
        return (
            event.at.astimezone(self.zone).isoformat(sep=" ", timespec="seconds"),
            event.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            event.actor,
            action_text(event.action),
            masking.target_of(event),
            kind_label(event.target_type) if event.target_type else None,
            "; ".join(details),
            text_of((event.details or {}).get(audit_log.IDS)) or event.target_id,
            event.address,
            event.request_id,
            event.action,
        )

    def _where(self) -> list[sa.ColumnElement[bool]]:
        return [*self.filters.conditions(self.contract_id, self.zone), AuditEvent.at < self.until]

    def _chunks(self, engine: sa.Engine) -> Iterator[list[AuditEvent]]:
        """Each in a short transaction of its own: a slow reader holds nothing up."""
        where = self._where()
        last: AuditEvent | None = None
        while True:
            statement = newest(where).limit(CHUNK)
            if last is not None:
                at = sa.literal(last.at, AuditEvent.at.type)
                statement = statement.where(
                    sa.tuple_(AuditEvent.at, AuditEvent.id) < sa.tuple_(at, sa.literal(last.id))
                )
            with Session(engine, expire_on_commit=False) as session:
                found = list(session.scalars(statement))
            if found:
                yield found
            if len(found) < CHUNK:
                return
            last = found[-1]


def note(contract_id: int, contract_name: str, filters: Filters, form: str) -> None:
    """Write the audit row of an export; ``form`` of file in words."""
    with write_transaction() as session:
        audit_log.record(
            session,
            "audit.exported",
            contract_name,
            contract_id=contract_id,
            target_type="contract",
            target_id=contract_id,
            details={"as": form, **filters.words()},
        )
