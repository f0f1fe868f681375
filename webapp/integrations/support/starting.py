"""Starting a sync of any contract, for platform-wide support that was granted it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from webapp.core.models import Contract, ContractFeature, Integration, db
from webapp.core.permissions import INTEGRATIONS
from webapp.integrations.shared.lock_and_audit import NotConnected, NotEnabled
from webapp.integrations.user_sync import settings
from webapp.platforms.registry import PLATFORMS
from webapp.sync.schedule.schedule import Requested, Requester


class NoSuchConnection(Exception):
    """No contract has that connection."""


class CannotSync(Exception):
    """Nothing can be started there now; the text says why and who can change it."""


@dataclass(frozen=True)
class Started:
    """The run that answers, and the names of what it is of."""

    requested: Requested
    contract: str
    label: str


def sync_now(integration_id: int, by: Requester) -> Started:
    """A run of that connection, or the live one. Raises :class:`NoSuchConnection` or :class:`CannotSync`."""
    found = db.session.execute(
        sa.select(Integration.platform, Contract.name, ContractFeature.feature)
        .join(Contract, Contract.id == Integration.contract_id)
        .outerjoin(
            ContractFeature,
            sa.and_(ContractFeature.contract_id == Contract.id, ContractFeature.feature == INTEGRATIONS),
        )
        .where(Integration.id == integration_id)
    ).one_or_none()
    if found is None:
        raise NoSuchConnection
    platform, contract, feature = found
    label = PLATFORMS[platform].label
    if feature is None:
        raise CannotSync(f"Integrations is switched off for {contract}.")
    try:
        requested = settings.sync_now(integration_id, by, as_support=True)
    except NotConnected as error:
        raise CannotSync(f"{contract} has to connect {label} first.") from error
    except NotEnabled as error:
        raise CannotSync(f"User sync of {label} is off at {contract}. They have to enable it.") from error
    return Started(requested, contract, label)
