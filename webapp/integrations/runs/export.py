"""A run's lines as a stream: a few hundred at a time are read and held, however many there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit import log
from webapp.core.database import write_transaction
from webapp.core.models import SyncChange, SyncRun
from webapp.core.models.sync import COUNTERS
from webapp.core.spreadsheets.table import Source, Table, more_than
from webapp.integrations.runs.changes import Filters, worded
from webapp.platforms.platform import Platform
from webapp.sync.run.change_words import ChangeRow

CHUNK = 500  # lines
JSON_VERSION = 1


@dataclass(frozen=True)
class Export(Source):
    """A run's lines that pass ``filters``, for spreadsheets and for programs."""

    run: SyncRun  # of no session
    platform: Platform
    contract: str
    filters: Filters

    @property
    def stem(self) -> str:
        """The file's name without its ending."""
        part = "-part" if self.filters != Filters() else ""
        return f"{self.contract}-{self.platform.key}-run-{self.run.id}{part}"

    def longer_than(self, session: Session, rows: int) -> bool:
        return more_than(session, SyncChange, self.filters.conditions(self.run), rows)

    def table(self, engine: sa.Engine) -> Table:
        """A row for each change."""
        head = ("Run", "Change", "Person", "Email", f"{self.platform.label} ID", "What happened", "Reason",
                "What to do", "Before", "After", "User")  # fmt: skip
        return Table(
            f"Run {self.run.id}", head, ([self._cells(row) for row in rows] for rows in self._chunks(engine))
        )

    def json(self, engine: sa.Engine) -> Iterator[str]:
        """``{"version", "run", "filters", "changes": […]}``; docs/run-files.md says what each holds."""
        head = {
            "version": JSON_VERSION,
            "run": run_values(self.run, self.platform),
            "filters": {
                "kind": self.filters.kind,
                "reason": self.filters.reason,
                "q": self.filters.q or None,
            },
        }
        yield msgspec.json.encode(head).decode()[:-1] + ',"changes":['
        comma = ""
        for rows in self._chunks(engine):
            yield comma + ",\n".join(msgspec.json.encode(_values(row)).decode() for row in rows)
            comma = ",\n"
        yield "]}\n"

    def _cells(self, row: ChangeRow) -> Sequence[object]:
        change = row.change
        return (
            change.run_id,
            row.kind_label,
            row.name,
            row.email,
            change.remote_id,
            row.what,
            change.reason,
            row.fix,
            change.before,
            change.after,
            change.user_id,
        )

    def _chunks(self, engine: sa.Engine) -> Iterator[list[ChangeRow]]:
        """The lines by remote ID, each chunk in a short transaction of its own: a slow reader holds nothing up."""
        last: tuple[str, str] | None = None
        while True:
            statement = (
                sa.select(SyncChange)
                .where(*self.filters.conditions(self.run))
                .order_by(SyncChange.remote_id, SyncChange.kind)
                .limit(CHUNK)
            )
            if last is not None:
                statement = statement.where(
                    sa.tuple_(SyncChange.remote_id, SyncChange.kind) > sa.tuple_(*map(sa.literal, last))
                )
            with Session(engine, expire_on_commit=False) as session:
                changes = session.scalars(statement).all()
                rows = worded(session, self.run, changes)
            if rows:
                yield rows
            if len(changes) < CHUNK:
                return
            last = changes[-1].remote_id, changes[-1].kind


def run_values(run: SyncRun, platform: Platform) -> dict[str, Any]:
    """A run as values for programs: what, when, how it ended, and its counters."""
    return {
        "id": run.id,
        "platform": platform.key,
        "state": run.state,
        "preview": run.preview,
        "trigger": run.trigger,
        "started_by": run.requested_by,
        "queued_at": run.queued_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "message": run.message,
        "error_kind": run.error_kind,
        "reference": run.reference,
        "counters": {name: getattr(run, name) for name in COUNTERS},
        "reasons": run.reasons or {},
    }


def _values(row: ChangeRow) -> dict[str, Any]:
    change = row.change
    return {
        "change": change.kind,
        "remote_id": change.remote_id,
        "name": row.name,
        "email": row.email,
        "what": row.what,
        "reason": change.reason,
        "fix": row.fix,
        "before": change.before,
        "after": change.after,
        "user_id": change.user_id,
    }


def note(run: SyncRun, platform: Platform, action: str, details: dict[str, Any]) -> None:
    """Write the audit row of something that was taken away."""
    contract_id, run_id = run.contract_id, run.id
    with write_transaction() as session:
        log.record(
            session,
            action,
            platform.label,
            contract_id=contract_id,
            target_type="run",
            target_id=run_id,
            details={"run": run_id} | details,
        )
