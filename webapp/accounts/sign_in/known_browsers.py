"""Browsers in which somebody has signed in before: strangers' wrong tries do not hold those up.

A signed cookie says for which accounts. It opens nothing: the password is asked for as ever. It ends with the password
that it was given for, and after :data:`LIFETIME`. Pure but for the day.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest

from itsdangerous import BadData, URLSafeSerializer

from config import Settings
from webapp.core.models import Account, utcnow

LIFETIME = timedelta(days=180)
ACCOUNTS = 5  # that one browser is known for, the last ones
LONGEST = 1000  # characters of the cookie
FIRST_DAY = datetime(2020, 1, 1)  # noqa: DTZ001 - days are counted from it


@dataclass(frozen=True)
class Browser:
    """What its cookie says: a random id by which its tries are counted, and (account, mark, day of the sign-in)."""

    id: str = ""
    known: tuple[tuple[int, str, int], ...] = ()

    def knows(self, account: Account | None) -> bool:
        """Whether ``account`` has signed in here with the password that it has now."""
        if account is None or account.disabled_at is not None or account.password_hash is None:
            return False
        return any(
            of == account.id and compare_digest(mark, mark_of(account)) and _today() - day <= LIFETIME.days
            for of, mark, day in self.known
        )

    def with_account(self, account: Account) -> Browser:
        """The same browser, in which ``account`` has just signed in."""
        others = [one for one in self.known if one[0] != account.id][-(ACCOUNTS - 1) :]
        known = (*others, (account.id, mark_of(account), _today()))
        return Browser(self.id or secrets.token_urlsafe(12), known)


def mark_of(account: Account) -> str:
    """A digest of the account's salted hash: another one with every new password, and nothing to guess by."""
    text = f"known browser\n{account.id}\n{account.password_hash}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def loads(text: str, settings: Settings) -> Browser:
    """What a cookie says; nothing when it is empty or not ours."""
    if not text or len(text) > LONGEST:
        return Browser()
    try:
        browser, known = _signer(settings).loads(text)
    except BadData:
        return Browser()
    return Browser(browser, tuple((of, mark, day) for of, mark, day in known))


def dumps(browser: Browser, settings: Settings) -> str:
    """The cookie of ``browser``."""
    return str(_signer(settings).dumps([browser.id, browser.known]))


def name_of(settings: Settings) -> str:
    """The name of the cookie."""
    return "__Host-rollcall-browser" if settings.secure_cookies else f"rollcall-browser-{settings.port}"


def _signer(settings: Settings) -> URLSafeSerializer:
    return URLSafeSerializer(
        settings.secret_key,
        salt="known browser",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )


def _today() -> int:
    return (utcnow().replace(tzinfo=None) - FIRST_DAY).days
