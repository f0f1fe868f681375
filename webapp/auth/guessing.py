"""How easily a password is guessed: lists of breached and common ones, patterns, and words about its owner. Pure.

The lists and the estimate are zxcvbn's, which come with the package: nothing is asked of the network.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from zxcvbn import zxcvbn
from zxcvbn.frequency_lists import FREQUENCY_LISTS

LOOKED_AT = 72  # characters; the estimate takes long for more, and what follows only makes a password better
ENOUGH = 10**8  # guesses
REST = 8  # characters that must be left beside words about the owner
DECORATION = 5  # characters around a common password that make it no better, such as “!” and a year
WORD_MIN = 4  # characters of a word about the owner that counts

_COMMON = frozenset(FREQUENCY_LISTS["passwords"])


def is_common(password: str, about: Iterable[str] = ()) -> bool:
    """Whether it is on the lists, or one of their words with figures and signs around it, or a plain pattern.

    ``about`` are words on its owner, which count as if they were on the lists.
    """
    text = _fold(password)
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text)
    if (
        core in _COMMON
        or core in {_fold(word) for word in about}
        or any(map(_COMMON.__contains__, _trimmed(text)))
    ):
        return True
    estimate = zxcvbn(text[:LOOKED_AT], user_inputs=sorted(about), max_length=LOOKED_AT)
    return bool(estimate["guesses"] < ENOUGH)


def word_about_owner(password: str, about: Iterable[str]) -> str | None:
    """A word of ``about`` that is most of the password, written together or apart; ``None`` when none is."""
    rest = squeezed = _squeeze(password)
    found = None
    for word in sorted(about, key=lambda word: (-len(word), word)):
        part = _squeeze(word)
        if len(part) >= WORD_MIN and part in squeezed:
            found = found or word
            rest = rest.replace(part, "")
    return found if found is not None and len(rest) < REST else None


def words_in(*texts: str) -> tuple[str, ...]:
    """``texts`` and the words they consist of, each once."""
    words = dict.fromkeys(text for text in texts if text)
    for text in texts:
        words |= dict.fromkeys(word for word in re.split(r"[\W_]+", text) if len(word) >= WORD_MIN)
    return tuple(words)


def _trimmed(text: str) -> Iterator[str]:
    """``text``, and what is left of it without up to :data:`DECORATION` characters at its ends."""
    for before in range(DECORATION + 1):
        for after in range(DECORATION + 1 - before):
            yield text[before : len(text) - after]


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _squeeze(text: str) -> str:
    return re.sub(r"[\W_]+", "", _fold(text))
