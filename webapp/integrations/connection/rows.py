"""The rows and notices of the Platforms page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import url_for

from webapp.integrations.shared.platform_status import PlatformState
from webapp.integrations.shared.run_rows import STATE_LABELS, ended_at
from webapp.platforms.platform import Platform
from webapp.sync.schedule.health import NOT_ENABLED
from webapp.web.times import duration


@dataclass(frozen=True)
class Notice:
    """A message above the table; ``kind`` is info, warning or error."""

    kind: str
    title: str
    text: str
    url: str | None = None
    link: str | None = None


@dataclass(frozen=True)
class PlatformRow:
    """One platform on the Platforms page."""

    state: PlatformState
    slug: str

    @property
    def platform(self) -> Platform:
        return self.state.platform

    @property
    def status(self) -> str:
        return self.state.health.status

    @property
    def message(self) -> str:
        live = self.state.live
        if live is not None and self.status not in ("Error", "Not connected"):
            if live.undoes_id is not None:
                return f"Run {live.undoes_id} is being undone."
            if live.stage == "apply" and live.total:
                return f"Syncing now: {live.done:,} of {live.total:,} people dealt with."
            return "Syncing now."
        return self.state.health.message

    @property
    def paused_at(self) -> datetime | None:
        """Since when the schedule is paused, where that is what the message tells."""
        return None if self.state.live else self.state.health.since

    @property
    def freshness(self) -> str | None:
        return self.state.health.freshness

    @property
    def account(self) -> str | None:
        return self.state.integration.remote_account_name if self.state.integration else None

    @property
    def last_ran_at(self) -> datetime | None:
        run = self.state.live or self.state.last
        return (run.started_at or ended_at(run)) if run else None

    @property
    def last_ran_note(self) -> str:
        if self.state.live:
            return STATE_LABELS[self.state.live.state]
        last = self.state.last
        if last is None:
            return ""
        return (
            f"Took {duration(last.seconds)}"
            if last.state.startswith("completed")
            else STATE_LABELS[last.state]
        )

    @property
    def last_imported_at(self) -> datetime | None:
        return self.state.sync.last_imported_at if self.state.sync else None

    @property
    def last_imported(self) -> int | None:
        return self.state.sync.last_imported if self.state.sync else None

    @property
    def sync_enabled(self) -> bool:
        return bool(self.state.sync and self.state.sync.enabled)

    @property
    def next_run_at(self) -> datetime | None:
        return self.state.next_run_at

    @property
    def can_sync_now(self) -> bool:
        return self.state.can_sync_now

    @property
    def settings_url(self) -> str:
        return url_for("platforms.show", contract=self.slug, platform=self.platform.key)

    @property
    def user_sync_url(self) -> str:
        return url_for("user_sync.show", contract=self.slug, platform=self.platform.key)

    @property
    def sync_now_url(self) -> str:
        return url_for("user_sync.sync_now", contract=self.slug, platform=self.platform.key)

    @property
    def action(self) -> dict[str, str] | None:
        """The one thing to do next, if any."""
        if self.state.integration is None or self.state.integration.connection == "not_connected":
            return {"label": "Connect", "url": self.settings_url}
        if self.state.integration.connection == "broken":
            return {"label": "Reconnect", "url": self.settings_url}
        if self.state.held is not None:
            return {"label": "Review held run", "url": run_url(self.slug, self.state.held.id)}
        if self.status == NOT_ENABLED:
            return {"label": "Set up User sync", "url": self.user_sync_url}
        return None


def run_url(slug: str, run_id: int) -> str:
    """Where a run is read."""
    return url_for("sync_status.run", contract=slug, run_id=run_id)


def notices(states: list[PlatformState], slug: str) -> list[Notice]:
    """What needs a person, one notice a platform."""
    found = []
    for state in states:
        label = state.platform.label
        row = PlatformRow(state, slug)
        if state.integration is not None and state.integration.connection == "broken":
            found.append(
                Notice(
                    "error",
                    f"{label} is not connected any more",
                    state.health.message,
                    row.settings_url,
                    "Reconnect",
                )
            )
        elif state.held is not None:
            found.append(
                Notice(
                    "warning",
                    f"{label}: a run is held",
                    state.held.message or "The safeguard holds a run until somebody has decided.",
                    run_url(slug, state.held.id),
                    "Review it",
                )
            )
        elif state.last is not None and state.last.state in ("failed", "completed_with_warnings"):
            kind = "error" if state.last.state == "failed" else "warning"
            title = (
                f"{label}: the last run failed"
                if kind == "error"
                else f"{label}: the last run left something open"
            )
            found.append(
                Notice(kind, title, state.health.message, run_url(slug, state.last.id), "See the run")
            )
        if state.health.freshness == "overdue" and state.integration is not None:
            connected = state.integration.connection == "connected"
            if connected and state.held is None:
                found.append(
                    Notice(
                        "error",
                        f"{label}: User sync is overdue",
                        "No run has succeeded for more than 12 hours. Everyone stays as they are; new people and "
                        "new names are not brought in meanwhile.",
                        row.user_sync_url,
                        "See User sync",
                    )
                )
    return found
