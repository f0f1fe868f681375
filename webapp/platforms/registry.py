"""Which platforms there are. A new one is a module in this package and an entry here."""

from __future__ import annotations

from webapp.platforms.base import Connector
from webapp.platforms.intercom import connector as intercom_connector
from webapp.platforms.platform import Opening, Platform
from webapp.platforms.zendesk import connector as zendesk_connector

PLATFORMS: dict[str, Platform] = {
    platform.key: platform for platform in (intercom_connector.PLATFORM, zendesk_connector.PLATFORM)
}


def connector(platform: str, opening: Opening) -> Connector:
    """A connector for one account of ``platform``."""
    return PLATFORMS[platform].open(opening)
