"""Settings that are tried, and saved only together with what they were shown to do."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit import log as audit_log
from webapp.core.models import Integration, SyncRun, UserSync
from webapp.sync.exclusions import exclude


class WhatIf(msgspec.Struct, frozen=True, omit_defaults=True):
    """Settings to try instead of the saved ones; ``UNSET`` leaves a saved one as it is.

    ``excluded_emails``: patterns to leave out besides the saved ones.
    """

    identifier_column: str | msgspec.UnsetType | None = msgspec.UNSET
    left_out_types: list[str] | msgspec.UnsetType = msgspec.UNSET
    excluded_emails: tuple[str, ...] = ()

    def over(self, saved: UserSync) -> UserSync:
        """A copy of ``saved``, in no session, with these settings."""
        copy = UserSync(
            **{column.key: getattr(saved, column.key) for column in sa.inspect(UserSync).mapper.column_attrs}
        )
        for name, value in self.settings().items():
            setattr(copy, name, value)
        return copy

    def settings(self) -> dict[str, Any]:
        """The columns of the settings that are set otherwise, by name."""
        return {
            name: value
            for name, value in (
                ("identifier_column", self.identifier_column),
                ("left_out_types", self.left_out_types),
            )
            if value is not msgspec.UNSET
        }

    def words(self) -> dict[str, Any]:
        """The same and the patterns, as the audit log names them."""
        words = {name.replace("_", " "): value for name, value in self.settings().items()}
        return words | ({"excluded emails": list(self.excluded_emails)} if self.excluded_emails else {})

    def __bool__(self) -> bool:
        return bool(self.words())


def what_if_of(stored: dict[str, Any] | None) -> WhatIf:
    """The :class:`WhatIf` that a run's row keeps."""
    return msgspec.convert(stored or {}, WhatIf)


def save_tried(connection: sa.Connection, run_id: int, what_if: WhatIf, platform_label: str) -> None:
    """Save the settings that a run was made with, in the transaction with which it begins to apply its plan.

    What is saved already is left alone, so this may be repeated.
    """
    with Session(bind=connection) as session:
        run = session.get_one(SyncRun, run_id)
        integration = session.get_one(Integration, run.integration_id)
        sync = session.get_one(UserSync, run.integration_id)
        details: dict[str, Any] = {"run": run_id}
        for name, value in what_if.settings().items():
            before = getattr(sync, name)
            if before != value:
                setattr(sync, name, value)
                details[name.replace("_", " ")] = audit_log.changed(before, value)
        by = run.requested_by or "Somebody"
        added = [
            pattern
            for pattern in what_if.excluded_emails
            if exclude(session, integration.contract_id, integration.id, "email", pattern, by=by)
        ]
        if added:
            details["excluded emails"] = added
        if len(details) > 1:
            audit_log.record(
                session,
                "user_sync.tried_saved",
                platform_label,
                contract_id=integration.contract_id,
                target_type="integration",
                target_id=integration.id,
                details=details,
                actor=by,
            )
        session.flush()
