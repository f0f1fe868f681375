"""What is said of a platform in one place: its words, where its accounts live, and how one is opened."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from config import OAuthClient, Settings
from webapp.platforms.base import Connector, Recorder, Sleep, Token, UserType, Watcher
from webapp.platforms.http import Limits


@dataclass(frozen=True)
class Region:
    """A hosting region of a platform: where people consent and where its API answers."""

    label: str
    authorize_url: str
    api_url: str


@dataclass(frozen=True)
class Opening:
    """All that is needed to read one account. ``site`` is its region or subdomain.

    ``seconds`` is the most that all of the reading may take; ``watch`` is told of each call before it is made.
    """

    site: str
    token: Token
    settings: Settings
    record: Recorder
    sleep: Sleep = time.sleep
    watch: Watcher | None = None
    seconds: float = Limits.whole_timeout

    @property
    def limits(self) -> Limits:
        """The limits that the settings put on every call."""
        return Limits(
            connect_timeout=self.settings.http_connect_timeout,
            read_timeout=self.settings.http_read_timeout,
            max_bytes=self.settings.http_max_bytes,
            wait_ceiling=self.settings.http_retry_ceiling,
            refusal_pause=self.settings.http_refusal_pause,
            whole_timeout=self.seconds,
        )


@dataclass(frozen=True)
class Platform:
    """A platform as the screens and the engine see it. ``people_word`` is what it calls its people.

    ``site_word`` names what tells one account from another for the connection (Region, Subdomain); a platform
    with ``regions`` offers them to choose from. ``user_types`` are those that exist in every account; an account
    may have more. ``open`` makes a connector.
    """

    key: str
    label: str
    people_word: str
    person_word: str
    account_word: str
    console_name: str
    site_word: str
    open: Callable[[Opening], Connector]
    permissions_needed: tuple[str, ...] = ()
    regions: dict[str, Region] = field(default_factory=dict)
    user_types: tuple[UserType, ...] = ()

    @property
    def icon_letter(self) -> str:
        return self.label[0]

    def site_label(self, site: str | None) -> str | None:
        """``site`` as people know it."""
        return self.regions[site].label if site in self.regions else site

    def client(self, settings: Settings) -> OAuthClient:
        """The OAuth client that is configured for this platform."""
        found: OAuthClient = getattr(settings, self.key)
        return found
