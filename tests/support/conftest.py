"""Contracts whose platforms stand in every way there is, and platform-wide support that looks at them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from tests.actors import Actor, make_support
from tests.sync.office import open_office
from webapp.core import contracts
from webapp.core.database import write_transaction
from webapp.core.models import Contract, Integration, SyncRun, UserSync, utcnow
from webapp.core.permissions import INTEGRATIONS

HOUR = timedelta(hours=1)


@dataclass
class Fleet:
    """``looker`` reads; ``starter`` may start syncs as well. ``ids`` are integrations by the contract's name."""

    app: Flask
    looker: Actor
    starter: Actor
    ids: dict[str, int]

    def add(
        self,
        name: str,
        *,
        connection: str = "connected",
        last_success: timedelta | None = HOUR,
        enabled: timedelta | None = 48 * HOUR,
        runs: tuple[tuple[str, str], ...] = (("completed", "Fine."),),
        feature: bool = True,
        queued: bool = False,
        paused: bool = False,
    ) -> int:
        """A contract called ``name`` with one connection: how long ago it succeeded and was enabled."""
        now = utcnow()
        with self.app.app_context():
            office = open_office(self.app)
            with write_transaction() as session:
                contract = session.get_one(Contract, office.contract_id)
                contract.name, contract.slug = name, name.lower().replace(" ", "-")
                contracts.set_feature(session, contract, INTEGRATIONS, on=feature)
                integration = session.get_one(Integration, office.integration_id)
                integration.connection = connection
                sync = session.get_one(UserSync, office.integration_id)
                sync.enabled, sync.enabled_at = enabled is not None, now - (enabled or 48 * HOUR)
                sync.last_success_at = None if last_success is None else now - last_success
                sync.next_run_at = now + 2 * HOUR if enabled is not None else None
                if paused:
                    sync.paused_at, sync.paused_by, sync.pause_reason = now, "Unmistakable Name", "We move"
                ids: dict[str, Any] = {"contract_id": contract.id, "integration_id": integration.id}
                for state, message in runs:
                    session.add(
                        SyncRun(**ids, trigger="schedule", state=state, message=message, finished_at=now)
                    )
                    session.flush()
                if queued:
                    session.add(SyncRun(**ids, trigger="schedule", state="queued"))
        self.ids[name] = office.integration_id
        return office.integration_id


@pytest.fixture
def fleet(app: Flask) -> Fleet:
    """No contract yet."""
    return Fleet(
        app,
        make_support(app, "looker@example.com"),
        make_support(app, "starter@example.com", may_sync=True),
        {},
    )


@pytest.fixture
def everything(fleet: Fleet) -> Fleet:
    """One contract for each way a connection can stand, named after it."""
    fleet.add("Well")
    fleet.add("Late", last_success=7 * HOUR)
    fleet.add("Overdue", last_success=13 * HOUR)
    fleet.add("Held", runs=(("held", "The list is much shorter than last time."),))
    fleet.add("Failing", runs=(("completed", "Fine."), ("failed", "Intercom did not answer in time.")))
    fleet.add("Broken", connection="broken")
    fleet.add("Disabled", enabled=None)
    fleet.add("Resting", paused=True)
    fleet.add("First", last_success=None, enabled=HOUR / 2, runs=())
    fleet.add("Away", connection="not_connected")
    fleet.add("Switched off", feature=False, last_success=30 * HOUR)
    return fleet
