"""Adding and removing exclusions: one transaction with its audit row."""

from __future__ import annotations

import sqlalchemy as sa

from webapp.core.audit import log
from webapp.core.database import write_transaction
from webapp.core.models import Exclusion, Integration, utcnow
from webapp.core.models.user import IGNORED
from webapp.people.directory.bulk import change_status, lock_licences
from webapp.platforms.registry import PLATFORMS
from webapp.sync.exclusions import exclude, ignored_as, pattern_of


def exclude_emails(integration: Integration, given: str, *, by: str) -> tuple[str, bool]:
    """Leave out everybody whose email fits; the pattern, and whether it is new.

    Raises :class:`~webapp.sync.exclusions.BadPattern`.
    """
    pattern = pattern_of(given)
    with write_transaction() as session:
        if not exclude(session, integration.contract_id, integration.id, "email", pattern, by=by):
            return pattern, False
        log.record(
            session,
            "exclusion.added",
            pattern,
            contract_id=integration.contract_id,
            target_type="integration",
            target_id=integration.id,
            details={"platform": PLATFORMS[integration.platform].label},
        )
    return pattern, True


def take_back(integration: Integration, exclusion_id: int) -> str:
    """Remove an exclusion; what it was about. Raises ``LookupError``.

    A user who was ignored with it waits under Pending again.
    """
    with write_transaction() as session:
        lock_licences(session, integration.contract_id)  # as whoever changes somebody's status does
        exclusion = session.scalars(
            sa.select(Exclusion)
            .where(Exclusion.id == exclusion_id, Exclusion.integration_id == integration.id)
            .with_for_update()
        ).one_or_none()
        if exclusion is None:
            raise LookupError(exclusion_id)
        about = exclusion.label or exclusion.value
        user = ignored_as(session, exclusion)
        if user is not None:
            change_status(session, user.contract_id, [user.id], before=IGNORED, after="pending", now=utcnow())
            log.record(
                session,
                "users.ignoring_undone",
                user.name,
                contract_id=user.contract_id,
                target_type="user",
                target_id=user.id,
            )
        log.record(
            session,
            "exclusion.removed",
            about,
            contract_id=integration.contract_id,
            target_type="integration",
            target_id=integration.id,
            details={"platform": PLATFORMS[integration.platform].label, "excluded by": exclusion.created_by},
        )
        session.delete(exclusion)
        return about
