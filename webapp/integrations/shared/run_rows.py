"""Runs as the screens show them: words for states, stages and requesters, and where each run is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import url_for

from webapp.core.models import Integration, SyncRun, db
from webapp.core.models.sync import STAGES
from webapp.platforms.platform import Platform
from webapp.platforms.registry import PLATFORMS
from webapp.sync.plan.safeguard import held_from
from webapp.sync.run.outcome import why_held

STATE_LABELS = {
    "queued": "Queued",
    "running": "Running",
    "completed": "Completed",
    "completed_with_warnings": "Completed with warnings",
    "held": "Held",
    "failed": "Failed",
    "cancelled": "Cancelled",
}


@dataclass(frozen=True)
class Stage:
    """One stage of a run; ``state`` is done, current or todo."""

    label: str
    state: str
    note: str


@dataclass(frozen=True)
class RunRow:
    """A run for a page; every attribute the row does not have itself comes from the run.

    ``closed``: for who may not open it and sees no names, platform-wide support.
    """

    run: SyncRun
    slug: str
    platform: Platform
    closed: bool = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.run, name)

    @property
    def number(self) -> int:
        return self.run.id

    @property
    def url(self) -> str | None:
        return None if self.closed else url_for("sync_status.run", contract=self.slug, run_id=self.run.id)

    @property
    def state_label(self) -> str:
        return "Waiting" if self.trouble else STATE_LABELS[self.run.state]

    @property
    def trouble(self) -> str | None:
        """What it waits for before it is tried again: a sentence; ``None`` while it does not."""
        return self.run.waits_for if self.run.state == "queued" else None

    @property
    def started_by(self) -> str:
        who = self.run.requested_by or "Schedule"
        if self.closed and self.run.requested_by:
            who = "Someone there"
        return f"{who}, undoing run {self.run.undoes_id}" if self.undo else who

    @property
    def undo(self) -> bool:
        """Whether it takes back another run."""
        return self.run.undoes_id is not None

    @property
    def undoes_url(self) -> str | None:
        if not self.undo or self.closed:
            return None
        return url_for("sync_status.run", contract=self.slug, run_id=self.run.undoes_id)

    @property
    def counted(self) -> bool:
        """Whether the list was read, so that its figures mean something."""
        return self.run.found > 0 or self.run.stage in ("match", "apply", "finish")

    @property
    def stage_label(self) -> str:
        if self.trouble:
            return "Waiting to try again"
        return self._labels.get(self.run.stage or "", "Waiting for a worker")

    @property
    def _labels(self) -> dict[str, str]:
        """The stages this kind of run goes through, with their names."""
        if self.undo:
            return {"connect": "Look at what has changed since", "apply": "Put back", "finish": "Finish"}
        return dict(zip(STAGES, _stage_labels(self.platform), strict=True))

    @property
    def hold(self) -> dict[str, Any] | None:
        """What the safeguard saw, in the words of the page."""
        held = held_from(self.run.hold)
        if held is None:
            return None
        return {
            "why": why_held(held, self.platform.people_word),
            "shrunk": held.shrunk or held.empty,
            "grown": held.grown,
            "previous": held.known,
            "found": held.found,
            "missing": held.gone,
            "new": held.new,
            "undone": held.undone,
            "renamed": held.renamed,
            "limits": held.limits,
            "names": held.names,
        }

    @property
    def cancel_url(self) -> str | None:
        """Where to ask a live run to stop; ``None`` when it is over or has been asked already."""
        if not self.run.live or self.run.cancel_requested_at is not None:
            return None
        return url_for("user_sync.cancel", contract=self.slug, platform=self.platform.key, run_id=self.run.id)

    @property
    def percent(self) -> int | None:
        if not self.run.total or self.run.stage != "apply":
            return None
        return min(100, 100 * self.run.done // self.run.total)

    @property
    def stages(self) -> list[Stage]:
        """Its stages with how far the run is."""
        keys = list(self._labels)
        current = keys.index(self.run.stage) if self.run.stage in keys else -1
        over = not self.run.live
        rows = []
        for index, (key, label) in enumerate(self._labels.items()):
            done = index < current or (over and self.run.state.startswith("completed"))
            state = "done" if done else "current" if index == current and not over else "todo"
            rows.append(Stage(label, state, self._note(key, done)))
        return rows

    def _note(self, stage: str, done: bool) -> str:
        if stage == "fetch" and done:
            return f"{self.run.found:,}"
        if stage == "apply" and self.run.stage == "apply" and self.run.live and self.run.total:
            return f"{self.run.done:,} / {self.run.total:,}"
        return ""


def _stage_labels(platform: Platform) -> tuple[str, ...]:
    return (
        "Check the connection",
        f"Fetch {platform.people_word}",
        "Match people",
        "Import and rename",
        "Finish",
    )


def recent_runs(
    contract_id: int, slug: str, *, integration_id: int | None = None, limit: int = 7, closed: bool = False
) -> list[RunRow]:
    """The newest runs of a contract, or of one of its integrations."""
    statement = (
        sa.select(SyncRun, Integration.platform)
        .join(Integration, Integration.id == SyncRun.integration_id)
        .where(Integration.contract_id == contract_id, ~SyncRun.preview)
        .order_by(SyncRun.id.desc())
        .limit(limit)
    )
    if integration_id is not None:
        statement = statement.where(SyncRun.integration_id == integration_id)
    return [RunRow(run, slug, PLATFORMS[platform], closed) for run, platform in db.session.execute(statement)]


def ended_at(run: SyncRun) -> datetime:
    """When a run ended, or was asked for while it has not."""
    return run.finished_at or run.started_at or run.queued_at
