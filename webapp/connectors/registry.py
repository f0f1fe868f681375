"""Which platforms there are. A new one is a module in this package and an entry here."""

from __future__ import annotations

from webapp.connectors import intercom, zendesk
from webapp.connectors.base import Connector
from webapp.connectors.platform import Opening, Platform

PLATFORMS: dict[str, Platform] = {
    platform.key: platform for platform in (intercom.PLATFORM, zendesk.PLATFORM)
}


def connector(platform: str, opening: Opening) -> Connector:
    """A connector for one account of ``platform``."""
    return PLATFORMS[platform].open(opening)
