"""The support bundle of a run: all that helps to see why it went so, and nobody's name."""

from __future__ import annotations

import io
import platform as machine
import zipfile
from collections.abc import Sequence
from datetime import datetime
from importlib import metadata
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.models import (
    Decision,
    Exclusion,
    Integration,
    Person,
    SyncChange,
    SyncRequest,
    SyncRun,
    User,
    UserSync,
)
from webapp.integrations.runs.export import run_values
from webapp.integrations.runs.redaction import Pseudonyms, masked_path, scrubbed
from webapp.integrations.shared.platform_status import PlatformState
from webapp.sync.plan.what_if import what_if_of

MOST_LINES = 2000
MOST_CALLS = 2000
PACKAGES = ("flask", "sqlalchemy", "requests", "rq", "rq-scheduler", "redis", "msgspec", "gunicorn")

# file: what is in it, as the page says before it is downloaded
CONTENTS: dict[str, str] = {
    "run.json": "State, times, counters and reasons of the run; how it ended, in words without names.",
    "timeline.json": "What happened when, without names.",
    "calls.json": "Each call to the platform: method, path without IDs, answer, milliseconds.",
    "changes.json": f"What was done, one line a person, the first {MOST_LINES:,}: kind and reason, under a pseudonym.",
    "settings.json": "Identifier column, user types, safeguard; how many exclusions and decisions there are.",
    "health.json": "Status and freshness of the platform, heartbeats, length of the queue.",
    "counts.json": "How many users and people there are, by state.",
    "versions.json": "Versions of this product’s parts and of the database.",
}


def bundle_of(
    session: Session,
    run: SyncRun,
    state: PlatformState,
    pseudonyms: Pseudonyms,
    around: dict[str, Any],
    now: datetime,
) -> bytes:
    """The ZIP. ``around`` is what only the running program knows: heartbeats and the queue's length."""
    integration = session.get_one(Integration, run.integration_id)
    lines = session.scalars(
        sa.select(SyncChange).where(SyncChange.run_id == run.id).order_by(SyncChange.id).limit(MOST_LINES)
    ).all()
    known = _known(run, integration, session.get_one(UserSync, integration.id), lines)
    parts: dict[str, Any] = {
        "run.json": _run(run, state, pseudonyms, known),
        "timeline.json": [
            {
                "at": event["at"],
                "kind": event.get("kind"),
                "title": scrubbed(event.get("title"), known),
                "text": scrubbed(event.get("text"), known),
            }
            for event in run.timeline or []
        ],
        "calls.json": _calls(session, run, known),
        "changes.json": [_line(line, pseudonyms) for line in lines],
        "settings.json": _settings(session, integration),
        "health.json": {
            "status": state.health.status,
            "message": scrubbed(state.health.message, known),
            "freshness": state.health.freshness,
            "connection": integration.connection,
            "connected_at": integration.connected_at,
            **around,
        },
        "counts.json": _counts(session, integration),
        "versions.json": _versions(session),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in CONTENTS:
            _add(archive, name, msgspec.json.format(msgspec.json.encode(parts[name]), indent=2), now)
        _add(archive, "README.txt", _readme().encode(), now)
    return packed.getvalue()


def _add(archive: zipfile.ZipFile, name: str, data: bytes, now: datetime) -> None:
    archive.writestr(zipfile.ZipInfo(name, now.timetuple()[:6]), data, zipfile.ZIP_DEFLATED)


def _readme() -> str:
    files = "".join(f"{name}\n    {about}\n" for name, about in CONTENTS.items())
    return (
        "Support bundle of one run of User sync.\n\n"
        "No name, email address, ID, token or password of anybody is in here. A pseudonym (person-..., user-...,\n"
        "by-...) stands for the same one in every bundle of this contract and cannot be turned back.\n\n"
        + files
    )


def _known(
    run: SyncRun, integration: Integration, sync: UserSync, lines: Sequence[SyncChange]
) -> set[str | None]:
    """Every name that could stand in a sentence about the run."""
    names: set[str | None] = {
        run.requested_by,
        run.decided_by,
        run.cancel_requested_by,
        integration.remote_account_name,
        integration.remote_account_id,
        integration.connected_by,
        integration.connected_as,
        sync.paused_by,
        (sync.pause_reason or "").rstrip("."),  # as the sentence has it; anything may stand there
        *((run.hold or {}).get("names") or []),
    }
    for line in lines:
        names |= {line.person_name, line.person_email, line.before, line.after}
    return names


def _run(
    run: SyncRun, state: PlatformState, pseudonyms: Pseudonyms, known: set[str | None]
) -> dict[str, Any]:
    hold = {name: value for name, value in (run.hold or {}).items() if name != "names"}
    return run_values(run, state.platform) | {
        "started_by": pseudonyms.of("by", run.requested_by),
        "decided_by": pseudonyms.of("by", run.decided_by),
        "cancel_requested_by": pseudonyms.of("by", run.cancel_requested_by),
        "message": scrubbed(run.message, known),
        "stage": run.stage,
        "attempt": run.attempt,
        "interruptions": run.interruptions,
        "done": run.done,
        "total": run.total,
        "approved": run.approved,
        "hold": hold or None,
        "what_if": _tried(run),
    }


def _tried(run: SyncRun) -> dict[str, Any] | None:
    """The settings a preview tried; of email patterns only how many, as an address may be one."""
    if not run.what_if:
        return None
    tried = what_if_of(run.what_if)
    return {**tried.settings(), "excluded_emails": len(tried.excluded_emails)}


def _calls(session: Session, run: SyncRun, known: set[str | None]) -> list[dict[str, Any]]:
    calls = session.scalars(
        sa.select(SyncRequest).where(SyncRequest.run_id == run.id).order_by(SyncRequest.id).limit(MOST_CALLS)
    )
    return [
        {
            "at": call.at,
            "method": call.method,
            "path": masked_path(call.path),
            "status": call.status,
            "milliseconds": call.milliseconds,
            "note": scrubbed(call.note, known),
        }
        for call in calls
    ]


def _line(line: SyncChange, pseudonyms: Pseudonyms) -> dict[str, Any]:
    detail = line.detail or {}
    return {
        "person": pseudonyms.of("person", line.remote_id),
        "change": line.kind,
        "reason": line.reason,
        "has_email": line.person_email is not None,
        "user": pseudonyms.of("user", line.user_id),
        "name_changed": line.before is not None and line.before != line.after,
        "candidates": [pseudonyms.of("user", user) for user in detail.get("candidates", [])],
        "decided": "decided_by" in detail,
    }


def _settings(session: Session, integration: Integration) -> dict[str, Any]:
    sync = session.get_one(UserSync, integration.id)
    exclusions = session.execute(
        sa.select(Exclusion.kind, sa.func.count())
        .where(Exclusion.integration_id == integration.id)
        .group_by(Exclusion.kind)
    ).all()
    decisions = session.scalar(
        sa.select(sa.func.count())
        .select_from(Decision)
        .where(Decision.integration_id == integration.id, Decision.forgotten_at.is_(None))
    )
    return {
        "platform": integration.platform,
        "name_rank": integration.name_rank,
        "enabled": sync.enabled,
        "enabled_at": sync.enabled_at,
        "identifier_column": sync.identifier_column,
        "left_out_types": sync.left_out_types,
        "shrink_percent": sync.shrink_percent,
        "shrink_people": sync.shrink_people,
        "next_run_at": sync.next_run_at,
        "last_success_at": sync.last_success_at,
        "failures": sync.failures,
        "columns_seen": [
            {name: column.get(name) for name in ("name", "filled", "total", "distinct")}
            for column in sync.columns_seen or []
        ],
        "exclusions": {row[0]: row[1] for row in exclusions},
        "decisions": decisions or 0,
    }


def _counts(session: Session, integration: Integration) -> dict[str, Any]:
    users = session.execute(
        sa.select(User.status, sa.func.count())
        .where(User.contract_id == integration.contract_id)
        .group_by(User.status)
    ).all()
    people = session.execute(
        sa.select(Person.outcome, sa.func.count(), sa.func.count(Person.missing_since))
        .where(Person.integration_id == integration.id)
        .group_by(Person.outcome)
    ).all()
    return {
        "users": {row[0]: row[1] for row in users},
        "people": {row[0]: row[1] for row in people},
        "people_missing": sum(row[2] for row in people),
    }


def _versions(session: Session) -> dict[str, Any]:
    dialect = session.connection().dialect
    return {
        "python": machine.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "database": f"{dialect.name} {'.'.join(str(part) for part in dialect.server_version_info or ())}",
        "schema": session.scalar(sa.text("SELECT version_num FROM alembic_version")),
    }
