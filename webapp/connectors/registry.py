"""Which platforms there are. A new one is a module in this package and an entry here."""

from __future__ import annotations

from webapp.connectors import intercom
from webapp.connectors.base import Connector
from webapp.connectors.platform import Opening, Platform

PLATFORMS: dict[str, Platform] = {
    platform.key: platform
    for platform in (
        intercom.PLATFORM,
        Platform(
            key="zendesk",
            label="Zendesk",
            people_word="agents",
            person_word="agent",
            account_word="account",
            console_name="Zendesk Admin Center",
            site_word="Subdomain",
        ),
    )
}


def connector(platform: str, opening: Opening) -> Connector:
    """A connector for one account of ``platform``. Raises ``LookupError`` when it cannot be connected."""
    found = PLATFORMS[platform].open
    if found is None:
        raise LookupError(f"{platform} cannot be connected")
    return found(opening)
