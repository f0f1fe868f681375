"""What the reader of the audit log asked for, and the same as conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from webapp.core.audit.masking import searchable
from webapp.core.audit.words import action_label, in_group, kind_label
from webapp.core.models import AuditEvent

EARLIEST, LATEST = date(1970, 1, 1), date(9000, 1, 1)


@dataclass(frozen=True)
class Filters:
    """An empty text means any. ``first`` and ``last`` are days in the contract's time zone, both included."""

    q: str = ""
    actor: str = ""
    action: str = ""
    kind: str = ""
    first: date | None = None
    last: date | None = None

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Filters:
        """What an address or a form says; what is no day is passed over."""
        return cls(
            q=values.get("q", "").strip()[:200],
            actor=values.get("actor", "")[:255],
            action=values.get("action", "")[:60],
            kind=values.get("type", "")[:40],
            first=_day(values.get("from", "")),
            last=_day(values.get("to", "")),
        )

    def params(self) -> dict[str, str]:
        """The same as parameters of an address, without what is empty."""
        found = {
            "q": self.q,
            "actor": self.actor,
            "action": self.action,
            "type": self.kind,
            "from": self.first.isoformat() if self.first else "",
            "to": self.last.isoformat() if self.last else "",
        }
        return {name: value for name, value in found.items() if value}

    def conditions(self, contract_id: int, zone: ZoneInfo) -> list[sa.ColumnElement[bool]]:
        where: list[sa.ColumnElement[bool]] = [AuditEvent.contract_id == contract_id]
        if self.actor:
            where.append(AuditEvent.actor == self.actor)
        if self.action:
            actions = in_group(self.action)
            where.append(
                AuditEvent.action == actions[0] if len(actions) == 1 else AuditEvent.action.in_(actions)
            )
        if self.kind:
            where.append(AuditEvent.target_type == self.kind)
        if self.first:
            where.append(AuditEvent.at >= _start(self.first, zone))
        if self.last:
            where.append(AuditEvent.at < _start(self.last + timedelta(days=1), zone))
        if self.q:
            where.append(
                sa.or_(
                    sa.and_(searchable(), _contains(AuditEvent.target, self.q)),
                    _contains(AuditEvent.actor, self.q),
                )
            )
        return where

    def words(self) -> dict[str, Any]:
        """What was asked for, for the audit row of an export."""
        found = {
            "search": self.q,
            "who": self.actor,
            "action": action_label(self.action) if self.action else "",
            "done to": kind_label(self.kind) if self.kind else "",
            "from": self.first.isoformat() if self.first else "",
            "to": self.last.isoformat() if self.last else "",
        }
        return {label: value for label, value in found.items() if value}

    @property
    def backwards(self) -> bool:
        """Whether the last day is before the first one."""
        return self.first is not None and self.last is not None and self.last < self.first


def _contains(column: InstrumentedAttribute[str], words: str) -> sa.ColumnElement[bool]:
    return sa.or_(*(column.icontains(form, autoescape=True) for form in _forms(words)))


def _forms(words: str) -> list[str]:
    """``words`` in those cases that a database tells apart which folds the letters of ASCII alone."""
    forms = (words, words.lower(), words.upper(), words.title())
    return list({form.encode().lower(): form for form in forms}.values())


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None
    return found if EARLIEST <= found < LATEST else None


def _start(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
