"""The state of a contract's platforms, read in a constant number of statements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from webapp.core.models import Contract, Integration, SyncRun, UserSync, db, utcnow
from webapp.core.models.sync import LIVE_STATES
from webapp.platforms.platform import Platform
from webapp.platforms.registry import PLATFORMS
from webapp.sync.schedule.health import Facts, Health, judge


@dataclass(frozen=True)
class PlatformState:
    """One platform of a contract: its integration (if any), last ended run, live run and health."""

    platform: Platform
    integration: Integration | None
    sync: UserSync | None
    last: SyncRun | None
    live: SyncRun | None
    health: Health
    held: SyncRun | None = None  # waits for a decision; the last run may have failed after it

    @property
    def next_run_at(self) -> datetime | None:
        """When the next run is planned; ``None`` while nothing is."""
        connected = self.integration is not None and self.integration.connection == "connected"
        if self.sync is None or not self.sync.enabled or self.sync.paused_at is not None or not connected:
            return None
        return self.sync.next_run_at

    @property
    def can_sync_now(self) -> bool:
        return self.why_not_sync_now is None

    @property
    def why_not_sync_now(self) -> str | None:
        """Why Sync now cannot be pressed, in a sentence, or ``None``."""
        if self.integration is None or self.integration.connection == "not_connected":
            return "Connect the platform first."
        if self.integration.connection == "broken":
            return "Reconnect first."
        if self.sync is None or not self.sync.enabled:
            return "Enable User sync first."
        if self.live is not None and self.live.trigger == "undo":
            return "Available when the undo has ended."
        return "Available when this run ends." if self.live else None


def platform_states(contract: Contract, now: datetime | None = None) -> list[PlatformState]:
    """Every platform there is, with how it is doing in ``contract``."""
    now = now or utcnow()
    found = {
        integration.platform: (integration, sync)
        for integration, sync in db.session.execute(
            sa.select(Integration, UserSync)
            .join(UserSync, UserSync.integration_id == Integration.id)
            .where(Integration.contract_id == contract.id)
        )
    }
    last, live, held = _runs([integration.id for integration, _ in found.values()])
    states = []
    for platform in PLATFORMS.values():
        integration, sync = found.get(platform.key, (None, None))
        last_run = last.get(integration.id) if integration else None
        live_run = live.get(integration.id) if integration else None
        health = judge(facts(integration, sync, last_run, live_run), now)
        held_run = held.get(integration.id) if integration else None
        states.append(PlatformState(platform, integration, sync, last_run, live_run, health, held_run))
    return states


def platform_state(contract: Contract, key: str) -> PlatformState | None:
    """One platform of ``contract``; ``None`` for a name there is no platform of."""
    return next((state for state in platform_states(contract) if state.platform.key == key), None)


def facts(
    integration: Integration | None, sync: UserSync | None, last: SyncRun | None, live: SyncRun | None
) -> Facts:
    """What the health of a platform is judged by."""
    if integration is None or sync is None:
        return Facts("not_connected", None, False, None, False, None)
    return Facts(
        connection=integration.connection,
        connection_message=integration.connection_message,
        enabled=sync.enabled,
        enabled_at=sync.enabled_at,
        ever_enabled=sync.enabled_at is not None,
        last_success_at=sync.last_success_at,
        last_state=last.state if last else None,
        last_message=last.message if last else None,
        running=live is not None,
        failures=sync.failures or 0,
        paused_at=sync.paused_at,
        paused_by=sync.paused_by,
        pause_reason=sync.pause_reason,
        resumed_at=sync.resumed_at,
    )


def _runs(
    integration_ids: list[int],
) -> tuple[dict[int, SyncRun], dict[int, SyncRun], dict[int, SyncRun]]:
    """By integration: the last ended sync that was not cancelled, the live run (maybe an undo), the held one."""
    if not integration_ids:
        return {}, {}, {}
    newest = (
        sa.select(sa.func.max(SyncRun.id))
        .where(
            SyncRun.integration_id.in_(integration_ids),
            SyncRun.state.not_in((*LIVE_STATES, "cancelled")),
            ~SyncRun.preview,
            SyncRun.trigger != "undo",
        )
        .group_by(SyncRun.integration_id)
    )
    runs = db.session.scalars(
        sa.select(SyncRun)
        .where(
            sa.or_(
                SyncRun.id.in_(newest),
                sa.and_(
                    SyncRun.integration_id.in_(integration_ids),
                    SyncRun.state.in_((*LIVE_STATES, "held")),
                    ~SyncRun.preview,
                ),
            )
        )
        .order_by(SyncRun.id)
    ).all()
    return (
        {run.integration_id: run for run in runs if not run.live},
        {run.integration_id: run for run in runs if run.live},
        {run.integration_id: run for run in runs if run.state == "held"},
    )
