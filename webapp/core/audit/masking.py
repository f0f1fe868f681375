"""What an entry of the audit log shows of what is stored in it.

Nothing changes an entry, so those from before hold more than is written today: the whole address of a webhook, where
receivers often have a secret, and what somebody typed who has no account. No page and no file shows that.
"""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

from webapp.core.models import AuditEvent

NO_ACCOUNT = "an email without an account"
_BEHIND_THE_HOST = re.compile(r"(https?://[^/?#\s]*)[/?#]\S*")


def target_of(event: AuditEvent) -> str:
    """What the entry is about, in words."""
    if event.target_type == "webhook":
        return without_path(event.target)
    if event.target_type == "account" and event.target_id is None and not event.target.startswith(NO_ACCOUNT):
        return NO_ACCOUNT
    return event.target


def details_of(event: AuditEvent) -> dict[str, Any] | None:
    """The details of the entry."""
    return _masked(event.details) if event.target_type == "webhook" else event.details


def without_path(url: str) -> str:
    """``url`` as far as its host; a text that is no address stays."""
    return _BEHIND_THE_HOST.sub(r"\1/…", url)


def searchable() -> sa.ColumnElement[bool]:
    """Entries whose target may be searched: a search that finds what is masked would tell it."""
    return sa.and_(
        AuditEvent.target_type.is_distinct_from("webhook"),
        sa.or_(AuditEvent.target_type.is_distinct_from("account"), AuditEvent.target_id.is_not(None)),
    )


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _masked(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_masked(one) for one in value]
    return without_path(value) if isinstance(value, str) else value
