"""The forms of a value that matching, uniqueness, sorting and search compare."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

MARKS_MOST = (
    30  # combining marks in a row that are compared; UAX #15, stream-safe format: no language has more
)
LAST_MARK = 0x1E950  # no character from here on combines
_MARK = "".join(map(re.escape, filter(unicodedata.combining, map(chr, range(0x300, LAST_MARK)))))
_TOO_MANY = re.compile(f"([{_MARK}]{{{MARKS_MOST}}})[{_MARK}]+")


def normal(text: str, form: Literal["NFKC", "NFKD"] = "NFKC") -> str:
    """``text`` in a normal form, in a time that grows with its length.

    Putting marks in order takes a time that grows with the square of how many there are in a row, so those after
    :data:`MARKS_MOST` are left out.
    """
    if text.isascii() or unicodedata.is_normalized(form, text):
        return text
    return unicodedata.normalize(form, _TOO_MANY.sub(r"\1", text))


def match_key(value: str | None) -> str | None:
    """``value`` trimmed, Unicode NFKC and case-folded; ``None`` when nothing is left.

    Case-folding can undo normalisation (and the reverse), so both are applied until nothing changes.
    """
    if value is None:
        return None
    if value.isascii():
        return value.strip().lower() or None
    text = normal(value).casefold().strip()
    while not (unicodedata.is_normalized("NFKC", text) and text.casefold() == text):
        text = normal(text).casefold().strip()
    return text or None


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
