"""What one attempt of a run carries along, and what becomes visible of it while it lasts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from webapp.core.database import writing
from webapp.core.models import Integration, SyncRequest, UserSync, utcnow
from webapp.platforms.base import Call, Listing
from webapp.sync.plan import load_known, safeguard
from webapp.sync.plan.types import Rule
from webapp.sync.plan.what_if import WhatIf
from webapp.sync.run.apply import Target
from webapp.sync.run.batch_size import Batches
from webapp.sync.run.lease import Lease, renew
from webapp.sync.run.recheck import Basis


@dataclass
class Attempt:
    """The run's claim, what it is about, the settings it runs with, and its timeline and calls so far."""

    engine: sa.Engine
    lease: Lease
    integration: Integration
    saved: UserSync
    what_if: WhatIf
    approved: safeguard.Held | None
    shown: safeguard.Shown | None
    proposed: bool
    batches: Batches
    people_word: str
    platform_label: str
    connected_at: datetime | None
    preview: bool
    expects: str | None
    imported_before: int
    timeline: list[dict[str, Any]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    @property
    def settings(self) -> UserSync:
        """The saved settings, or those that are tried instead."""
        return self.what_if.over(self.saved)

    def target(self, memory: load_known.Memory, listing: Listing, rule: Rule) -> Target:
        """Where a plan by ``rule`` is applied to, and how to tell what of it still holds later."""
        contract_id = self.integration.contract_id
        basis = Basis(contract_id, self.settings, listing, rule, memory.winners)
        return Target(contract_id, self.integration.id, memory.link_changes, basis.still_so)

    def event(self, title: str, text: str = "", kind: str = "ok") -> None:
        self.timeline.append({"at": utcnow().isoformat(), "title": title, "text": text, "kind": kind})

    def stage(self, stage: str, **values: Any) -> None:
        """Enter a stage: progress, timeline and calls so far become visible, the lease is renewed."""
        with writing(), self.engine.begin() as connection:
            renew(connection, self.lease, {"stage": stage, "timeline": self.timeline} | values)
            self.write_calls(connection)

    def write_calls(self, connection: sa.Connection) -> None:
        if self.calls:
            connection.execute(
                sa.insert(SyncRequest),
                [
                    {
                        "run_id": self.lease.run_id,
                        "at": call.at,
                        "method": call.method,
                        "path": call.path[:500],
                        "status": call.status,
                        "milliseconds": call.milliseconds,
                        "note": call.note,
                    }
                    for call in self.calls
                ],
            )
            self.calls.clear()
