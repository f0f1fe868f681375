"""The lock under which an integration and its User sync settings are changed."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.models import Integration, UserSync


def locked(session: Session, integration_id: int) -> tuple[Integration, UserSync]:
    """The integration and its settings as they are now, locked until the transaction ends.

    The lock on the integration lets a worker write rows that refer to it.
    """
    integration = session.scalars(
        sa.select(Integration)
        .where(Integration.id == integration_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    sync = session.scalars(
        sa.select(UserSync)
        .where(UserSync.integration_id == integration_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    return integration, sync
