"""What User sync knows and did: people, runs, what each run changed and which calls it made."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.models.base import Base, BigInt, IntPk, one_of, utcnow
from webapp.core.models.integration import Integration

RUN_STATES = ("queued", "running", "completed", "completed_with_warnings", "held", "failed", "cancelled")
COUNTERS = (
    "found",
    "imported",
    "linked",
    "renamed",
    "unchanged",
    "left_out",
    "conflicts",
    "missing",
    "returned",
)
UNDO_COUNTERS = ("removed", "unlinked")
LIVE_STATES = ("queued", "running")
SUCCESS_STATES = ("completed", "completed_with_warnings")
# What the health of a platform is judged by: its runs that ended and were not cancelled.
COUNTING_STATES = ("completed", "completed_with_warnings", "held", "failed")
TRIGGERS = ("enable", "schedule", "manual", "command", "reconnect", "undo")
STAGES = ("connect", "fetch", "match", "apply", "finish")
CHANGE_KINDS = (
    "imported", "linked", "renamed", "returned", "missing", "left_out", "conflict", "removed", "unlinked"
)  # fmt: skip


class Person(Base):
    """One human as the platform described them last, and the user they are linked to.

    ``revision`` is the connector's digest of the record: equal revisions mean nothing changed.
    ``outcome`` says what the last run that looked at them decided: linked, left_out or conflict.
    """

    __tablename__ = "people"
    __table_args__ = (
        sa.UniqueConstraint("integration_id", "remote_id"),
        sa.Index(
            "uq_people_one_link_per_user",
            "integration_id",
            "user_id",
            unique=True,
            sqlite_where=sa.text("user_id IS NOT NULL"),
            postgresql_where=sa.text("user_id IS NOT NULL"),
        ),
        sa.Index("ix_people_by_outcome", "contract_id", "outcome", "id"),
        sa.Index(
            "ix_people_by_user",
            "user_id",
            sqlite_where=sa.text("user_id IS NOT NULL"),
            postgresql_where=sa.text("user_id IS NOT NULL"),
        ),
        sa.Index(
            "ix_people_missing",
            "integration_id",
            "user_id",
            sqlite_where=sa.text("missing_since IS NOT NULL"),
            postgresql_where=sa.text("missing_since IS NOT NULL"),
        ),
        sa.ForeignKeyConstraint(
            ["contract_id", "integration_id"], ["integrations.contract_id", "integrations.id"]
        ),
        sa.ForeignKeyConstraint(["contract_id", "user_id"], ["users.contract_id", "users.id"]),
        one_of("outcome", ("linked", "left_out", "conflict")),
    )

    id: Mapped[IntPk]
    contract_id: Mapped[int] = mapped_column(BigInt)
    integration_id: Mapped[int] = mapped_column(BigInt)
    remote_id: Mapped[str] = mapped_column(sa.String(255))
    revision: Mapped[bytes] = mapped_column(sa.LargeBinary(16))
    name: Mapped[str] = mapped_column(sa.String(255))
    email: Mapped[str | None] = mapped_column(sa.String(254))
    attributes: Mapped[dict[str, Any]]
    outcome: Mapped[str] = mapped_column(sa.String(10))
    reason: Mapped[str | None] = mapped_column(sa.String(60))
    detail: Mapped[dict[str, Any] | None] = mapped_column(comment="of a conflict: value, candidates")
    user_id: Mapped[int | None] = mapped_column(BigInt)
    first_seen_at: Mapped[datetime] = mapped_column(default=utcnow)
    missing_since: Mapped[datetime | None]


class SyncRun(Base):
    """One run of User sync and how it went. The row decides; the queue only wakes a worker for it.

    ``fence`` grows with each claim; a batch commits only while its own fence is still the row's.
    """

    __tablename__ = "sync_runs"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["contract_id", "integration_id"], ["integrations.contract_id", "integrations.id"]
        ),
        sa.Index(
            "uq_sync_runs_one_live",
            "integration_id",
            "preview",
            unique=True,
            sqlite_where=sa.text("state IN ('queued', 'running')"),
            postgresql_where=sa.text("state IN ('queued', 'running')"),
        ),
        sa.Index("ix_sync_runs_recent", "integration_id", "id"),
        sa.Index("ix_sync_runs_state", "state", "lease_expires_at"),
        sa.Index(
            "ix_sync_runs_undoes",
            "undoes_id",
            sqlite_where=sa.text("undoes_id IS NOT NULL"),
            postgresql_where=sa.text("undoes_id IS NOT NULL"),
        ),
        sa.Index(
            "ix_sync_runs_with_lines",
            "finished_at",
            sqlite_where=sa.text("lines_left"),
            postgresql_where=sa.text("lines_left"),
        ),
        sa.Index("ix_sync_runs_newest", "integration_id", "preview", "id", "state"),
        one_of("state", RUN_STATES),
        one_of("trigger", TRIGGERS),
        one_of("stage", STAGES),
    )

    id: Mapped[IntPk]
    contract_id: Mapped[int] = mapped_column(BigInt)
    integration_id: Mapped[int] = mapped_column(BigInt)
    trigger: Mapped[str] = mapped_column(sa.String(20))
    requested_by_id: Mapped[int | None] = mapped_column(BigInt, sa.ForeignKey("accounts.id"))
    requested_by: Mapped[str | None] = mapped_column(sa.String(255), comment="their name then")
    state: Mapped[str] = mapped_column(sa.String(30), default="queued")
    stage: Mapped[str | None] = mapped_column(sa.String(20))
    queued_at: Mapped[datetime] = mapped_column(default=utcnow)
    enqueued_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    attempt: Mapped[int] = mapped_column(default=1)
    interruptions: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="how often its worker died in the middle"
    )
    tries: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="tries in a row that met with trouble of ours and did nothing"
    )
    troubled_since: Mapped[datetime | None] = mapped_column(comment="when the first of these tries ended")
    waits_for: Mapped[str | None] = mapped_column(
        sa.String(200), comment="the trouble, while it waits for its end"
    )
    not_before: Mapped[datetime | None] = mapped_column(comment="when it is tried again")
    fence: Mapped[int] = mapped_column(default=0)
    lease_expires_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    cancel_requested_by: Mapped[str | None] = mapped_column(sa.String(255))

    done: Mapped[int] = mapped_column(default=0, comment="people dealt with in this stage")
    total: Mapped[int | None] = mapped_column(comment="people to deal with in this stage")
    found: Mapped[int] = mapped_column(default=0)
    imported: Mapped[int] = mapped_column(default=0)
    linked: Mapped[int] = mapped_column(default=0)
    renamed: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    left_out: Mapped[int] = mapped_column(default=0)
    conflicts: Mapped[int] = mapped_column(default=0)
    missing: Mapped[int] = mapped_column(default=0)
    returned: Mapped[int] = mapped_column(default=0)
    removed: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="of an undo: imported users taken away again"
    )
    unlinked: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="of an undo: links taken back, the users stay"
    )
    reasons: Mapped[dict[str, Any] | None] = mapped_column(comment="left-out and conflict reasons, counted")

    message: Mapped[str | None] = mapped_column(
        sa.String(1000), comment="what happened, in a sentence for people"
    )
    error_kind: Mapped[str | None] = mapped_column(sa.String(40))
    reference: Mapped[str | None] = mapped_column(sa.String(40), comment="finds the full story in the log")
    hold: Mapped[dict[str, Any] | None] = mapped_column(comment="what the safeguard saw")
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str | None] = mapped_column(sa.String(255))
    approved: Mapped[bool] = mapped_column(default=False)
    preview: Mapped[bool] = mapped_column(
        default=False, server_default=sa.false(), comment="matches and applies nothing"
    )
    what_if: Mapped[dict[str, Any] | None] = mapped_column(
        comment="of a preview: settings that are not saved"
    )
    saved_counts: Mapped[dict[str, Any] | None] = mapped_column(
        comment="of a preview: what the saved settings would do"
    )
    fingerprint: Mapped[str | None] = mapped_column(sa.String(64), comment="of a preview: what it would do")
    expects: Mapped[str | None] = mapped_column(
        sa.String(64), comment="the fingerprint of the preview that this run applies"
    )
    proposed: Mapped[bool] = mapped_column(
        default=False,
        server_default=sa.false(),
        comment="its lines say what it would do, and nothing of it was applied",
    )
    shown: Mapped[dict[str, Any] | None] = mapped_column(
        deferred=True, comment="of a held run: whom a decision is about"
    )
    undoes_id: Mapped[int | None] = mapped_column(
        BigInt, sa.ForeignKey("sync_runs.id"), comment="of an undo: the run that it takes back"
    )
    timeline: Mapped[list[Any] | None]
    lines_removed_at: Mapped[datetime | None] = mapped_column(
        comment="since when its lines and calls are being removed for their age"
    )
    lines_left: Mapped[bool] = mapped_column(
        default=True, server_default=sa.true(), comment="whether there may be lines or calls"
    )

    integration: Mapped[Integration] = relationship(viewonly=True)

    @property
    def live(self) -> bool:
        return self.state in LIVE_STATES

    @property
    def wrote(self) -> bool:
        """Whether it changed anything here so far."""
        return any((self.imported, self.linked, self.renamed, self.missing, self.returned))

    @property
    def seconds(self) -> float | None:
        """How long the work took, in seconds; ``None`` before it started."""
        if self.started_at is None:
            return None
        return ((self.finished_at or utcnow()) - self.started_at).total_seconds()


class SyncChange(Base):
    """What one run did about one person, with the value before and after; what it would do, if it is a proposal."""

    __tablename__ = "sync_changes"
    __table_args__ = (
        sa.ForeignKeyConstraint(["run_id"], ["sync_runs.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="SET NULL"),
        sa.UniqueConstraint("run_id", "remote_id", "kind"),
        one_of("kind", CHANGE_KINDS),
        sa.Index(
            "ix_sync_changes_by_user",
            "user_id",
            sqlite_where=sa.text("user_id IS NOT NULL"),
            postgresql_where=sa.text("user_id IS NOT NULL"),
        ),
    )

    id: Mapped[IntPk]
    run_id: Mapped[int] = mapped_column(BigInt)
    kind: Mapped[str] = mapped_column(sa.String(10))
    remote_id: Mapped[str] = mapped_column(sa.String(255))
    person_name: Mapped[str] = mapped_column(sa.String(255))
    person_email: Mapped[str | None] = mapped_column(sa.String(254))
    user_id: Mapped[int | None] = mapped_column(BigInt)
    before: Mapped[str | None] = mapped_column(sa.String(255))
    after: Mapped[str | None] = mapped_column(sa.String(255))
    reason: Mapped[str | None] = mapped_column(sa.String(60))
    detail: Mapped[dict[str, Any] | None]
    saved_kind: Mapped[str | None] = mapped_column(
        sa.String(10), comment="of a preview: what the saved settings would do, where that differs"
    )


class SyncRequest(Base):
    """One call a run made to the platform. ``status`` is ``None`` when no answer came."""

    __tablename__ = "sync_requests"

    id: Mapped[IntPk]
    run_id: Mapped[int] = mapped_column(BigInt, sa.ForeignKey("sync_runs.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    method: Mapped[str] = mapped_column(sa.String(10))
    path: Mapped[str] = mapped_column(sa.String(500))
    status: Mapped[int | None]
    milliseconds: Mapped[int]
    note: Mapped[str | None] = mapped_column(sa.String(200))


class Heartbeat(Base):
    """When a background process was last seen alive."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    seen_at: Mapped[datetime]
    detail: Mapped[dict[str, Any] | None]
