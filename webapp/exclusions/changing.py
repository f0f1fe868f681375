"""Adding and removing exclusions: one transaction with its audit row."""

from __future__ import annotations

import sqlalchemy as sa

from webapp.audit import trail
from webapp.connectors.registry import PLATFORMS
from webapp.database import write_transaction
from webapp.models import Exclusion, Integration
from webapp.sync.exclusions import exclude, pattern_of


def exclude_emails(integration: Integration, given: str, *, by: str) -> tuple[str, bool]:
    """Leave out everybody whose email fits; the pattern, and whether it is new.

    Raises :class:`~webapp.sync.exclusions.BadPattern`.
    """
    pattern = pattern_of(given)
    with write_transaction() as session:
        if not exclude(session, integration.contract_id, integration.id, "email", pattern, by=by):
            return pattern, False
        trail.record(
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
    """Remove an exclusion; what it was about. Raises ``LookupError``."""
    with write_transaction() as session:
        exclusion = session.scalars(
            sa.select(Exclusion)
            .where(Exclusion.id == exclusion_id, Exclusion.integration_id == integration.id)
            .with_for_update()
        ).one_or_none()
        if exclusion is None:
            raise LookupError(exclusion_id)
        about = exclusion.label or exclusion.value
        trail.record(
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
