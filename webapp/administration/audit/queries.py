"""Reading the audit log of one contract: filtered, newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from webapp.administration.audit.filters import Filters
from webapp.core.audit.links import places_of
from webapp.core.audit.rows import EventRow, row_of
from webapp.core.audit.words import Options, action_options, kind_label
from webapp.core.models import AuditEvent, db
from webapp.web.paging import Page, page_of

MOST = 10_000  # entries that pages lead through; older ones are found by the time, or in the export


def events(contract_id: int, filters: Filters, zone: ZoneInfo) -> tuple[list[EventRow], Page, bool]:
    """The page of events that the request asks for, and whether there are more than :data:`MOST` of them.

    However long the log is, no more than that many are counted.
    """
    where = filters.conditions(contract_id, zone)
    if filters.q:  # words are in no index: read once, not once to count and once to show
        ids = db.session.scalars(newest(where).with_only_columns(AuditEvent.id).limit(MOST + 1)).all()
        page = page_of(min(len(ids), MOST))
        shown = newest([where[0], AuditEvent.id.in_(ids[page.offset : page.offset + page.size])])
        return _rows(contract_id, db.session.scalars(shown).all()), page, len(ids) > MOST
    some = sa.select(sa.literal(1)).select_from(AuditEvent).where(*where).limit(MOST + 1).subquery()
    total = db.session.scalar(sa.select(sa.func.count()).select_from(some)) or 0
    page = page_of(min(total, MOST))
    found = db.session.scalars(newest(where).limit(page.size).offset(page.offset)).all()
    return _rows(contract_id, found), page, total > MOST


def _rows(contract_id: int, found: Sequence[AuditEvent]) -> list[EventRow]:
    places = places_of(db.session(), contract_id, found)
    return [replace(row_of(event), place=places.get(event.id)) for event in found]


def newest(where: list[sa.ColumnElement[bool]]) -> sa.Select[AuditEvent]:
    """The entries, newest first: the order of each of the indexes."""
    return sa.select(AuditEvent).where(*where).order_by(AuditEvent.at.desc(), AuditEvent.id.desc())


def actors(contract_id: int) -> Options:
    """Who appears in the log, for the filter."""
    return [(name, name) for name in _different(db.session(), contract_id, AuditEvent.actor)]


def actions(contract_id: int) -> Options:
    """What was done so far, for the filter."""
    return action_options(set(_different(db.session(), contract_id, AuditEvent.action)))


def kinds(contract_id: int) -> Options:
    """What things were done to, for the filter."""
    found = _different(db.session(), contract_id, AuditEvent.target_type)
    return sorted(((kind, kind_label(kind)) for kind in found), key=lambda option: option[1])


def _different(session: Session, contract_id: int, column: InstrumentedAttribute[Any]) -> list[str]:
    """The values of ``column``, in order: each is looked up in its index from the one before it."""
    of_contract = AuditEvent.contract_id == contract_id
    step = (
        sa.select(sa.func.min(column).label("value"))
        .where(of_contract, column.is_not(None))
        .cte("step", recursive=True)
    )
    following = sa.select(sa.func.min(column)).where(of_contract, column > step.c.value).scalar_subquery()
    step = step.union_all(sa.select(following).where(step.c.value.is_not(None)))
    return [value for value in session.scalars(sa.select(step.c.value)) if value is not None]
