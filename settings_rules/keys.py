"""Keys that nobody can guess: made by a generator of random numbers, and printed nowhere. Pure.

No key proves that it is random. What is refused is what a person would type, repeat or copy.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from functools import cache
from itertools import pairwise

from cryptography.fernet import Fernet

from settings_rules import SettingsError

MIN_LENGTH = 32  # characters of SECRET_KEY
LOOKED_AT = 256  # characters; more only makes a key better
ENOUGH = 75.0  # bits that are left of a SECRET_KEY without what can be guessed of it
WORD = range(5, 15)  # characters of a word that counts as one choice
REPEATED = 5  # characters that stood in the key before and so add nothing
RUN = {
    1: 3,
    2: 6,
}  # characters of a run such as 567, edc, aaa or, by every other one, a1b2c3: it adds nothing
LEET = str.maketrans("013457@$!", "oleastasi")
ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik")
PLACEHOLDERS = ("dev", "secret", "changeme", "change-me", "password", "rollcall", "example", "test")
DIFFERENT = 20  # of a Fernet key's 32 bytes; a random one has 30, and 1 in 10^9 has fewer than 20

MAKE_SECRET_KEY = "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"  # noqa: S105 - a command
MAKE_FERNET_KEY = (
    "python3 -c 'import base64, secrets; print(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())'"
)

# SHA-256 of keys that can be read in this repository or in its history (of a Fernet key's bytes).
PUBLISHED = frozenset(
    {
        "9952dc5c2937ff0b015e3f2cf643c2479cd20b1fe357b58fb9d243248e709586",
        "bc9ffd4485586521ab7049c680eb26ab6af0e8262fc76dad567414041c38d58a",
        "c92ed5aa0250b856390868fc0fc65012e1e4b5e386cbcef23823c6456b554b21",
        "0791ef8a3bae5fd721a9c3fa39bea952c1caefabfd28c37c61aa9e7e772e80c1",
        "50cd0928defa39a005270bd589c54e2e9bead11a5f0530228817c9d18c834574",
    }
)


def secret_key(text: str) -> str:
    """``text`` if it can sign cookies. Raises :class:`SettingsError`."""
    typed = any(char.isspace() for char in text) or text.lower().startswith(PLACEHOLDERS)
    if len(text) < MIN_LENGTH or typed or _is_published(text) or bits(text) < ENOUGH:
        raise SettingsError(
            f"SECRET_KEY is missing or weak: it must be at least {MIN_LENGTH} random characters that stand nowhere "
            f"else. Make one with: {MAKE_SECRET_KEY}"
        )
    return text


def fernet_keys(text: str) -> tuple[str, ...]:
    """The keys in ``text``, the newest first. Raises :class:`SettingsError` when there is none or one is none."""
    keys = tuple(part.strip() for part in text.split(",") if part.strip())
    try:
        for key in keys:
            Fernet(key)
    except ValueError:
        keys = ()
    if not keys:
        raise SettingsError(
            f"CREDENTIAL_KEYS is missing or not a list of Fernet keys. Make one with: {MAKE_FERNET_KEY} "
            "and separate several with commas, the newest first."
        )
    return keys


def refuse_weak_fernet_keys(keys: tuple[str, ...]) -> None:
    """Raises :class:`SettingsError` for a key that somebody typed, made up or copied."""
    for place, key in enumerate(keys, start=1):
        if _is_published(key) or not _looks_random(raw(key)):
            raise SettingsError(
                f"CREDENTIAL_KEYS holds a key that can be guessed (the {_nth(place)}). Put a new one first, made with: "
                f"{MAKE_FERNET_KEY} and change over with flask credentials rotate."
            )


def raw(key: str) -> bytes:
    """The bytes of a Fernet key, however it is spelled; empty for what is none."""
    try:
        return base64.urlsafe_b64decode(key)
    except ValueError:
        return b""


def bits(key: str) -> float:
    """How many bits are left of ``key`` without words, repetitions and runs: the characters left, each worth
    the logarithm of how many different ones the key has.
    """
    text = key[:LOOKED_AT]
    if len(set(text)) < 2:
        return 0.0
    folded, plain = text.lower(), text.lower().translate(LEET)
    left, at = 0, 0
    while at < len(text):
        words = max(_word(folded, at), _word(plain, at), _chunk(text, at))
        at += max(words, _repetition(text, at), *(_run(folded, at, every) for every in RUN), 1)
        left += 1
    return left * math.log2(len(set(text)))


def _word(text: str, at: int) -> int:
    """How many characters of a known word begin at ``at``."""
    words = _words()
    for length in reversed(WORD):
        if at + length <= len(text) and text[at : at + length] in words:
            return length
    return 0


def _chunk(text: str, at: int) -> int:
    """How many letters from ``at`` on stand between signs, as in a sentence; a generator's letters change case."""
    if at and text[at - 1].isalnum():
        return 0
    found = re.match(r"([A-Z]?[a-z]+|[A-Z]+)(?![^\W_])", text[at:])
    return found.end() if found else 0


def _repetition(text: str, at: int) -> int:
    """How many characters from ``at`` on have stood there before in the same order."""
    length = 0
    while at + length < len(text) and text.find(text[at : at + length + 1], 0, at + length) >= 0:
        length += 1
    return length if length >= REPEATED else 0


def _run(text: str, at: int, every: int) -> int:
    """How many characters from ``at`` on follow each other, each one or every other one: 567, edc, aaa, a1b2c3."""
    codes = [ord(char) for char in text[at:]]
    steps = [after - before for before, after in zip(codes, codes[every:], strict=False)]
    first = steps[:every]
    if len(first) < every or any(abs(step) > 1 for step in first):
        return 0
    same = next((place for place, step in enumerate(steps) if step != first[place % every]), len(steps))
    return same + every if same + every >= RUN[every] else 0


@cache
def _words() -> frozenset[str]:
    """Words, names and passwords that are tried first, and neighbours on a keyboard."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # only production needs them

    listed = {word for words in FREQUENCY_LISTS.values() for word in words if len(word) in WORD}
    rows = {row[at : at + size] for row in ROWS for size in WORD for at in range(len(row) - size + 1)}
    return frozenset(listed | rows | {row[::-1] for row in rows} | set(PLACEHOLDERS))


def _looks_random(key: bytes) -> bool:
    """Whether 32 bytes look as if a generator had made them: many different ones, no plain row, no typed text."""
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    typed = all(32 <= byte < 127 for byte in key)
    return len(set(key)) >= DIFFERENT and len(steps) >= DIFFERENT - 4 and not typed


def _is_published(key: str) -> bool:
    """Whether the key, or one that stands inside it, can be read in this repository."""
    parts = {key, *re.findall(r"[A-Za-z0-9+/_=-]{32,}", key[-LOOKED_AT:])}
    return any(_digest(part) in PUBLISHED for text in parts for part in (text.encode(), raw(text)))


def _digest(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()


def _nth(place: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(place, f"{place}th")
