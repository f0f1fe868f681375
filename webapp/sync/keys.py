"""The forms of a value that matching, uniqueness, sorting and search compare."""

from __future__ import annotations

import unicodedata


def match_key(value: str | None) -> str | None:
    """``value`` trimmed, Unicode NFKC and case-folded; ``None`` when nothing is left.

    Case-folding can undo normalisation (and the reverse), so both are applied until nothing changes.
    """
    if value is None:
        return None
    if value.isascii():
        return value.strip().lower() or None
    text = value
    while True:
        folded = unicodedata.normalize("NFKC", text).casefold().strip()
        if folded == text:
            return folded or None
        text = folded


SEARCH_MAX = 640  # characters; a Postgres index entry holds 2,704 bytes and a character takes four at most
USER_KEYS = ("name_key", "username_key", "email_key", "third_party_key", "search_key")


def user_keys(
    *, name: str, username: str, email: str | None, third_party_id: str | None
) -> dict[str, str | None]:
    """The key columns of a user, in the order of :data:`USER_KEYS`."""
    name_key = match_key(name) or ""
    username_key = match_key(username) or ""
    email_key = username_key if email == username else match_key(email)
    third_party_key = match_key(third_party_id)
    return {
        "name_key": name_key,
        "username_key": username_key,
        "email_key": email_key,
        "third_party_key": third_party_key,
        "search_key": "\n".join((name_key, username_key, email_key or "", third_party_key or ""))[
            :SEARCH_MAX
        ],
    }
