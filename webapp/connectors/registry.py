"""Which platforms there are. A new one is a module in this package and an entry here."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from config import OAuthClient, Settings
from webapp.connectors import intercom
from webapp.connectors.base import Connector, Recorder, Sleep
from webapp.connectors.http import Limits, Reader


@dataclass(frozen=True)
class Region:
    """A hosting region of a platform: where people consent and where its API answers."""

    label: str
    authorize_url: str
    api_url: str


@dataclass(frozen=True)
class Platform:
    """A platform as the screens and the engine see it. ``people_word`` is what it calls its people."""

    key: str
    label: str
    people_word: str
    person_word: str
    console_name: str
    available: bool = True
    has_usernames: bool = False
    permissions_needed: tuple[str, ...] = ()
    regions: dict[str, Region] = field(default_factory=dict)

    @property
    def icon_letter(self) -> str:
        return self.label[0]


PLATFORMS: dict[str, Platform] = {
    "intercom": Platform(
        key="intercom",
        label="Intercom",
        people_word="teammates",
        person_word="teammate",
        console_name="Intercom Developer Hub",
        permissions_needed=("Read admins", "Read one admin"),
        regions={
            "us": Region("United States", "https://app.intercom.com/oauth", "https://api.intercom.io"),
            "eu": Region("Europe", "https://app.eu.intercom.com/oauth", "https://api.eu.intercom.io"),
            "au": Region("Australia", "https://app.au.intercom.com/oauth", "https://api.au.intercom.io"),
        },
    ),
    "zendesk": Platform(
        key="zendesk",
        label="Zendesk",
        people_word="agents",
        person_word="agent",
        console_name="Zendesk Admin Center",
        available=False,
    ),
}


def oauth_client(platform: str, settings: Settings) -> OAuthClient:
    """The OAuth client configured for ``platform``."""
    client: OAuthClient = getattr(settings, platform)
    return client


def api_url(platform: str, region: str | None, settings: Settings) -> str:
    """Where the API of ``platform`` answers; a configured address replaces the regional one."""
    configured = oauth_client(platform, settings).api_url
    return configured or PLATFORMS[platform].regions[region or "us"].api_url


def connector(
    platform: str,
    token: dict[str, Any],
    *,
    region: str | None,
    settings: Settings,
    record: Recorder,
    sleep: Sleep = time.sleep,
) -> Connector:
    """A connector for one account. ``token`` is what its OAuth round stored."""
    if platform != "intercom":
        raise LookupError(f"no connector for {platform}")
    limits = Limits(
        connect_timeout=settings.http_connect_timeout,
        read_timeout=settings.http_read_timeout,
        max_bytes=settings.http_max_bytes,
        wait_ceiling=settings.http_retry_ceiling,
    )
    reader = Reader(
        api_url(platform, region, settings),
        {
            "Authorization": f"Bearer {token['access_token']}",
            "Accept": "application/json",
            "Intercom-Version": intercom.VERSION,
            "User-Agent": settings.product_name,
        },
        platform=PLATFORMS[platform].label,
        denial=intercom.denial,
        wait_hint=intercom.wait_hint,
        record=record,
        limits=limits,
        sleep=sleep,
    )
    return intercom.IntercomConnector(reader)
