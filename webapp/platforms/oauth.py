"""What an OAuth round with a platform can do, and how it fails.

A token is a dict as it is stored, encrypted: ``access_token``, and for tokens that end ``refresh_token`` and
``expires_at`` (Unix seconds).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

import requests

TIMEOUT = (5, 20)  # seconds to connect, seconds to wait for an answer
REFUSALS = frozenset({401, 403})


def asked_twice(ask: Callable[[], requests.Response], pause: float) -> requests.Response:
    """The answer to ``ask``; what is refused (401, 403) is asked once more after ``pause`` seconds.

    A refusal has done nothing, so that asking again does no harm, and a single one is no reason to call a person.
    """
    answer = ask()
    if answer.status_code not in REFUSALS:
        return answer
    time.sleep(pause)
    return ask()


TOKEN_MAX = 8_000  # characters; a header can hold no more
LIFETIME_MAX = 3600 * 24 * 365  # seconds; whatever a platform says, its token is exchanged by then


def token_in(value: object) -> str | None:
    """A token as a header can carry it (RFC 6750: ASCII that can be seen); ``None`` for anything else."""
    if not isinstance(value, str) or not 0 < len(value) <= TOKEN_MAX:
        return None
    return value if value.isascii() and value.isprintable() and " " not in value else None


class OAuthFailed(Exception):
    """The round did not end with a token. The text is a sentence for people that says what to do."""


class RefreshRefused(Exception):
    """The platform does not exchange this token any more: only a new consent helps."""


class RefreshUnavailable(Exception):
    """The platform did not answer usefully; the same token may still be exchanged later.

    ``unanswered``: no answer came at all, so the platform may have exchanged it and what it gave is lost.
    """

    def __init__(self, *, unanswered: bool = False) -> None:
        super().__init__()
        self.unanswered = unanswered


class OAuthRound(Protocol):
    """One platform's way to ask for access, get a token and give it back.

    ``site`` is the region or subdomain of the account. ``secret`` is kept by the server for this one round, for
    platforms that want it proved (PKCE).
    """

    def authorize_url(self, site: str, redirect_uri: str, state: str, secret: str) -> str:
        """Where to send the browser."""

    def exchange(self, site: str, redirect_uri: str, code: str, secret: str) -> dict[str, Any]:
        """The token for ``code``. Raises :class:`OAuthFailed`."""

    def refresh(self, site: str, token: dict[str, Any]) -> dict[str, Any]:
        """The token that follows ``token``, which ends by this.

        Raises :class:`RefreshRefused` or :class:`RefreshUnavailable`.
        """

    def revoke(self, site: str, token: dict[str, Any]) -> bool:
        """Give the token back; whether the platform confirmed it (or did not know it any more)."""
