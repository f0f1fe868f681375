"""An entry of the audit log in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webapp.core.audit import masking
from webapp.core.audit.links import Place
from webapp.core.audit.words import Detail, action_text, details_of
from webapp.core.models import AuditEvent


@dataclass(frozen=True)
class EventRow:
    """One line of the log, in words. ``place`` is what it is about, if that is still there."""

    at: datetime
    actor: str
    action_text: str
    target: str
    details: list[Detail]
    address: str | None
    request_id: str | None
    place: Place | None = None


def row_of(event: AuditEvent, details: dict[str, Any] | None = None) -> EventRow:
    """``event`` in words, with these ``details`` if they are given instead of its own."""
    return EventRow(
        at=event.at,
        actor=event.actor,
        action_text=action_text(event.action),
        target=masking.target_of(event),
        details=details_of(masking.details_of(event) if details is None else details),
        address=event.address,
        request_id=event.request_id,
    )
