"""Two runs of one integration: their figures, what was changed between them, and who fared differently."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from webapp.core.audit.log import ACTIONS
from webapp.core.models import AuditEvent, Person, SyncChange, SyncRun, db
from webapp.integrations.runs.changes import counters, counts_by_kind
from webapp.integrations.shared.run_rows import RunRow
from webapp.platforms.platform import Platform
from webapp.sync.run.change_words import KIND_LABELS, REASON_WORDS
from webapp.web.paging import Page, page_of

OFFERED = 30  # runs to choose from; any other can be typed into the address
SETTINGS = (
    "user_sync.identifier_changed",
    "user_sync.types_changed",
    "user_sync.safeguard_changed",
    "user_sync.tried_saved",
    "user_sync.approved_raising",
    "user_sync.enabled",
    "user_sync.disabled",
    "user_sync.undone",
    "exclusion.added",
    "exclusion.removed",
    "conflict.decided",
    "conflict.forgotten",
    "integration.names_first",
    "integration.connected",
    "integration.reconnected",
    "users.merged",
    "users.merge_undone",
)
SHOW = {"only_a": "Only in the first", "only_b": "Only in the second", "both": "In both, differently"}


@dataclass(frozen=True)
class Difference:
    """A person who fared differently: what each run did, ``None`` where it had nothing to do."""

    remote_id: str
    name: str
    email: str | None
    a: Outcome | None
    b: Outcome | None


@dataclass(frozen=True)
class Outcome:
    """What one run did about somebody."""

    kind: str
    label: str
    reason: str | None
    after: str | None


@dataclass(frozen=True)
class Between:
    """Something about the integration that somebody changed between two runs."""

    what: str
    target: str
    actor: str
    at: datetime


def other_runs(run: SyncRun, slug: str, platform: Platform) -> list[RunRow]:
    """The newest runs and previews of the same integration, to compare ``run`` with."""
    found = db.session.scalars(
        sa.select(SyncRun)
        .where(SyncRun.integration_id == run.integration_id, SyncRun.id != run.id)
        .order_by(SyncRun.id.desc())
        .limit(OFFERED)
    )
    return [RunRow(other, slug, platform) for other in found]


def figures(a: RunRow, b: RunRow) -> list[dict[str, Any]]:
    """The counters of both; ``change`` is ``None`` where one of them read no list.

    What one run did and the other would do stands in one line, under the words for what is done.
    """
    first, second = _by_label(a.run), _by_label(b.run)
    both = a.counted and b.counted
    return [
        {
            "label": label,
            "a": first.get(label, 0) if a.counted else None,
            "b": second.get(label, 0) if b.counted else None,
            "change": second.get(label, 0) - first.get(label, 0) if both else None,
        }
        for label in dict.fromkeys([*first, *second])
    ]


def _by_label(run: SyncRun) -> dict[str, int]:
    return {
        KIND_LABELS[item["kind"]] if item["label"].startswith("To ") else item["label"]: item["value"]
        for item in counters(run, counts_by_kind(run))
    }


def caveats(row: RunRow) -> list[str]:
    """What to know of a run before its lines are believed."""
    run = row.run
    lines = db.session.scalar(
        sa.select(sa.func.count()).select_from(SyncChange).where(SyncChange.run_id == run.id)
    )
    counted = (
        run.imported + run.linked + run.renamed + run.left_out + run.conflicts + run.missing + run.returned
    )
    told = []
    if run.live:
        told.append(f"Run {run.id} is still going on, so its lines are not complete.")
    if run.preview:
        told.append(f"Run {run.id} is a preview: its lines say what a run would have done.")
    if run.state == "held":
        told.append(f"Run {run.id} is held: nothing of it has been applied.")
    if run.state in ("failed", "cancelled"):
        told.append(f"Run {run.id} ended before it was done.")
    if not run.live and run.state not in ("held", "failed", "cancelled") and (lines or 0) < counted:
        gone = "All lines" if not lines else f"{counted - lines:,} of {counted:,} lines"
        told.append(
            f"{gone} of run {run.id} are no longer kept; its figures stay. Whoever is missing here may not have fared "
            "differently."
        )
    return told


def changed_between(a: SyncRun, b: SyncRun) -> list[Between]:
    """Settings, exclusions, decisions and merges that were changed between the two, the oldest first."""
    start, end = sorted((a.queued_at, b.queued_at))
    events = db.session.scalars(
        sa.select(AuditEvent)
        .where(
            AuditEvent.contract_id == a.contract_id,
            AuditEvent.action.in_(SETTINGS),
            sa.or_(
                AuditEvent.target_type.not_in(("integration", "person")),
                sa.and_(AuditEvent.target_type == "integration", AuditEvent.target_id == a.integration_id),
                sa.and_(
                    AuditEvent.target_type == "person",
                    AuditEvent.target_id.in_(
                        sa.select(Person.id).where(Person.integration_id == a.integration_id)
                    ),
                ),
            ),
            AuditEvent.at > start,
            AuditEvent.at <= end,
        )
        .order_by(AuditEvent.id)
        .limit(50)
    )
    return [Between(ACTIONS[event.action], event.target, event.actor, event.at) for event in events]


def differences(a: SyncRun, b: SyncRun, show: str | None) -> tuple[list[Difference], Page, dict[str, int]]:
    """A page of the people who fared differently, and how many there are of each way (:data:`SHOW`)."""
    people = _different(a, b).subquery()
    ways: dict[str, sa.ColumnElement[bool]] = {
        "only_a": people.c.b_kind.is_(None),
        "only_b": people.c.a_kind.is_(None),
        "both": sa.and_(people.c.a_kind.is_not(None), people.c.b_kind.is_not(None)),
    }
    row = db.session.execute(
        sa.select(
            *(
                sa.func.coalesce(sa.func.sum(sa.case((way, 1), else_=0)), 0).label(name)
                for name, way in ways.items()
            )
        )
    ).one()
    counts = {name: int(getattr(row, name)) for name in ways}
    page = page_of(counts[show] if show in ways else sum(counts.values()))
    statement = sa.select(people).order_by(people.c.remote_id).limit(page.size).offset(page.offset)
    if show in ways:
        statement = statement.where(ways[show])
    found = [
        Difference(
            one.remote_id,
            one.name,
            one.email,
            _outcome(one.a_kind, one.a_reason, one.a_after),
            _outcome(one.b_kind, one.b_reason, one.b_after),
        )
        for one in db.session.execute(statement)
    ]
    return found, page, counts


def _different(a: SyncRun, b: SyncRun) -> sa.Select[*tuple[Any, ...]]:
    """One row a person: what each run did, for those for whom that is not the same.

    Somebody who came back has two lines; the one that says more counts.
    """

    def of(run: SyncRun, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.func.max(sa.case((SyncChange.run_id == run.id, column)))

    def kind(run: SyncRun) -> sa.ColumnElement[Any]:
        more = sa.case((SyncChange.kind != "returned", SyncChange.kind))
        return sa.func.coalesce(of(run, more), of(run, SyncChange.__table__.c.kind))

    columns = SyncChange.__table__.c
    sides = [(kind(run), of(run, columns.reason), of(run, columns.after)) for run in (a, b)]
    return (
        sa.select(
            SyncChange.remote_id,
            sa.func.max(SyncChange.person_name).label("name"),
            sa.func.max(SyncChange.person_email).label("email"),
            *(
                column.label(f"a_{name}")
                for name, column in zip(("kind", "reason", "after"), sides[0], strict=True)
            ),
            *(
                column.label(f"b_{name}")
                for name, column in zip(("kind", "reason", "after"), sides[1], strict=True)
            ),
        )
        .where(SyncChange.run_id.in_((a.id, b.id)))
        .group_by(SyncChange.remote_id)
        .having(sa.or_(*(one.is_distinct_from(other) for one, other in zip(*sides, strict=True))))
    )


def _outcome(kind: str | None, reason: str | None, after: str | None) -> Outcome | None:
    if kind is None:
        return None
    return Outcome(
        kind, KIND_LABELS[kind], REASON_WORDS[reason][0] if reason in REASON_WORDS else reason, after
    )
