"""Reading the audit log of one contract: filtered, newest first, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from webapp.audit.trail import ACTIONS, IDS
from webapp.models import AuditEvent, db
from webapp.paging import Page, page_of

Detail = tuple[str, str | None, str | None]  # label, before, after


@dataclass(frozen=True)
class EventRow:
    """One line of the log, in words."""

    at: datetime
    actor: str
    action_text: str
    target: str
    details: list[Detail]
    address: str | None
    request_id: str | None


@dataclass(frozen=True)
class Filters:
    """What the reader asked for; an empty text means any."""

    q: str = ""
    actor: str = ""
    action: str = ""


def events(contract_id: int, filters: Filters) -> tuple[list[EventRow], Page]:
    """The page of events that the request asks for."""
    where = _where(contract_id, filters)
    total = db.session.scalar(sa.select(sa.func.count()).select_from(AuditEvent).where(*where)) or 0
    page = page_of(total)
    found = db.session.scalars(
        sa.select(AuditEvent)
        .where(*where)
        .order_by(AuditEvent.id.desc())
        .limit(page.size)
        .offset(page.offset)
    )
    return [row_of(event) for event in found], page


def actors(contract_id: int) -> list[tuple[str, str]]:
    """Who appears in the log, for the filter: pairs of value and text."""
    names = db.session.scalars(
        sa.select(AuditEvent.actor)
        .where(AuditEvent.contract_id == contract_id)
        .distinct()
        .order_by(AuditEvent.actor)
    )
    return [(name, name) for name in names]


def actions(contract_id: int) -> list[tuple[str, str]]:
    """What was done so far, for the filter: pairs of value and text."""
    used = set(
        db.session.scalars(
            sa.select(AuditEvent.action).where(AuditEvent.contract_id == contract_id).distinct()
        )
    )
    return [(key, text) for key, text in ACTIONS.items() if key in used]


def _where(contract_id: int, filters: Filters) -> list[sa.ColumnElement[bool]]:
    where = [AuditEvent.contract_id == contract_id]
    if filters.actor:
        where.append(AuditEvent.actor == filters.actor)
    if filters.action:
        where.append(AuditEvent.action == filters.action)
    if filters.q:
        where.append(
            sa.or_(
                AuditEvent.target.icontains(filters.q, autoescape=True),
                AuditEvent.actor.icontains(filters.q, autoescape=True),
            )
        )
    return where


def row_of(event: AuditEvent) -> EventRow:
    """``event`` in words."""
    return EventRow(
        at=event.at,
        actor=event.actor,
        action_text=ACTIONS.get(event.action, event.action),
        target=event.target,
        details=[_detail(label, value) for label, value in (event.details or {}).items() if label != IDS],
        address=event.address,
        request_id=event.request_id,
    )


def _detail(label: str, value: Any) -> Detail:
    label = label[:1].upper() + label[1:].replace("_", " ")
    if isinstance(value, dict) and value.keys() == {"before", "after"}:
        return label, _text(value["before"]), _text(value["after"])
    return label, None, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_text(one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
