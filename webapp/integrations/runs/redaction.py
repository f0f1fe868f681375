"""Taking people out of what leaves the house. Pure.

A pseudonym is the same in every bundle of a contract, so that a support person can follow somebody through several,
and nobody without this installation's secret key can turn it back.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable

REMOVED = "[removed]"
EMAIL = re.compile(r"[^\s@“”\"'<>(),;]+@[^\s@“”\"'<>(),;]+")
QUOTED = re.compile(r"“[^”]*”")
LONG_NUMBER = re.compile(r"\d{5,}")
VERSION = re.compile(r"v\d")


class Pseudonyms:
    """Names for people of one contract that say nothing about them."""

    def __init__(self, secret_key: str, contract_id: int) -> None:
        self._key = hashlib.blake2b(
            f"support bundle of contract {contract_id}".encode(), key=secret_key.encode()[:64], digest_size=32
        ).digest()

    def of(self, what: str, value: object) -> str | None:
        """“person-4f1c9a7be2d0” for a person's ID, and the like; ``None`` for no value."""
        if value is None:
            return None
        digest = hmac.new(self._key, f"{what}\n{value}".encode(), hashlib.sha256).hexdigest()
        return f"{what}-{digest[:12]}"


def scrubbed(text: str | None, known: Iterable[str | None] = ()) -> str | None:
    """``text`` without the ``known`` names, emails, what it quotes, and numbers long enough to be an ID."""
    if text is None:
        return None
    for name in sorted({name for name in known if name and name.strip()}, key=len, reverse=True):
        text = text.replace(name, REMOVED)
    for pattern in (EMAIL, QUOTED, LONG_NUMBER):
        text = pattern.sub(REMOVED, text)
    return text


def masked_path(path: str) -> str:
    """The path of a call with every part that could be an ID, or holds a query, taken out."""
    parts = path.partition("?")[0].split("/")
    return "/".join(
        "{id}" if re.search(r"[\d@%]", part) and not VERSION.fullmatch(part) else part for part in parts
    )
