"""The events that programs are told of: written for a contract's webhook in the transaction of what happened."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from webapp.core.models import Contract, Integration, SyncRun, Webhook, WebhookDelivery
from webapp.core.models.sync import COUNTERS, UNDO_COUNTERS

RUN_EVENTS = {
    "completed": "run.finished",
    "completed_with_warnings": "run.finished",
    "held": "run.held",
    "failed": "run.failed",
}
TEST = "test"  # the event that means nothing


def run_ended(connection: sa.Connection, run_id: int, now: datetime) -> None:
    """Write the event of a run's end, if the contract has a webhook that wants it."""
    row = connection.execute(
        sa.select(SyncRun.state, Webhook.id, Webhook.contract_id, Webhook.events)
        .join(Webhook, Webhook.contract_id == SyncRun.contract_id)
        .where(SyncRun.id == run_id, ~SyncRun.preview)
    ).one_or_none()
    if row is None or RUN_EVENTS.get(row.state) not in row.events:
        return
    write_event(
        connection,
        row.id,
        row.contract_id,
        RUN_EVENTS[row.state],
        _run(connection, run_id),
        now,
        run_id=run_id,
    )


def write_event(
    connection: sa.Connection,
    webhook_id: int,
    contract_id: int,
    event: str,
    data: dict[str, Any],
    now: datetime,
    *,
    run_id: int | None = None,
) -> None:
    """Put an event into the deliveries of a webhook."""
    body = {"type": event, "timestamp": now.isoformat(timespec="seconds"), "data": data}
    connection.execute(
        sa.insert(WebhookDelivery).values(
            contract_id=contract_id,
            webhook_id=webhook_id,
            event_id=f"msg_{secrets.token_hex(16)}",
            event=event,
            run_id=run_id,
            body=msgspec.json.encode(body).decode(),
            created_at=now,
            next_try_at=now,
            state="waiting",
            attempts=0,
        )
    )


def _run(connection: sa.Connection, run_id: int) -> dict[str, Any]:
    row = connection.execute(
        sa.select(
            Contract.slug.label("contract"),
            Integration.platform,
            SyncRun.id.label("run"),
            SyncRun.state,
            SyncRun.trigger,
            SyncRun.message,
            SyncRun.started_at,
            SyncRun.finished_at,
            *(getattr(SyncRun, counter) for counter in (*COUNTERS, *UNDO_COUNTERS)),
        )
        .join(Integration, Integration.id == SyncRun.integration_id)
        .join(Contract, Contract.id == Integration.contract_id)
        .where(SyncRun.id == run_id)
    ).one()
    return dict(zip(row._fields, row, strict=True))
