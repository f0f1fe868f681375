"""Reading one user's history: the audit log's lines about them, alone or in a batch, newest first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit.about_user import among, events_about
from webapp.core.audit.log import EACH, IDS
from webapp.core.audit.rows import EventRow, row_of
from webapp.core.audit.words import parts_of, without_target
from webapp.core.models import AuditEvent
from webapp.web.paging import Page, page_of

RECENT = 10  # on the user's own page

OF_ALL = ("Users",)  # details that name everybody of a batch, which is not this user's history


@dataclass(frozen=True)
class Entry:
    """One line of the log about a user. ``together``: how many people were changed at once, if not they alone.

    ``action`` is for where the target, being the user, goes without saying.
    """

    event: EventRow
    action: str
    together: int | None


def entries_about(
    session: Session, contract_id: int, user_ids: Collection[int], page_size: int | None = None
) -> tuple[list[Entry], Page]:
    """The page of lines that the request asks for, or the first ``page_size`` ones, and how many there are.

    ``user_ids``: the user and whoever was merged into them.
    """
    found = sorted(set(events_about(session, contract_id, user_ids)), reverse=True)
    page = page_of(len(found)) if page_size is None else Page(1, page_size, len(found))
    shown = found[page.offset : page.last]
    events = session.scalars(
        sa.select(AuditEvent).where(AuditEvent.id.in_(shown)).order_by(AuditEvent.id.desc())
    )
    return [_entry(event, user_ids) for event in events], page


def _entry(event: AuditEvent, user_ids: Collection[int]) -> Entry:
    row = row_of(event, _own(event.details, user_ids))
    batch = event.target_type == "users"
    details = [detail for detail in row.details if detail[0] not in OF_ALL]
    count = int(event.target.split(" ")[0].replace(",", "")) if batch and event.target[:1].isdigit() else None
    return Entry(replace(row, details=details), without_target(row.action_text), count)


def _own(details: dict[str, Any] | None, user_ids: Collection[int]) -> dict[str, Any] | None:
    """``details`` with what these users were given, of all that a batch gave."""
    parts = parts_of(details)
    if not details or not parts:
        return details
    return {**details, EACH: [{"given": part["given"]} for part in parts if among(part[IDS], user_ids)]}
