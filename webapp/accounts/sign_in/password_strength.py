"""How easily a password is guessed: lists of breached and common ones, patterns, and words about its owner. Pure.

The lists and the estimate are zxcvbn's, which come with the package: nothing is asked of the network.

The estimate reads a text once for each way in which its signs can stand for letters (“4” and “@” for a, and so on).
There are hundreds of ways when a text has all such signs, so only so many are tried: see :data:`READINGS`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from zxcvbn import matching, scoring
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from webapp.core.match_keys import normal

LOOKED_AT = 72  # characters; the estimate takes long for more, and what follows only makes a password better
ENOUGH = 10**8  # guesses
REST = 8  # characters that must be left beside words about the owner
DECORATION = 5  # characters around a common password that make it no better, such as “!” and a year
READINGS = 64  # ways to read the signs of a text as letters that are tried
WORD_MIN = 4  # characters of a word about the owner that counts

_COMMON = frozenset(FREQUENCY_LISTS["passwords"])
# Signs that can stand for letters, those first that common passwords have least, and what is read instead of them when
# there are too many: characters that stand for none and follow one another in no alphabet and on no keyboard.
_SIGNS = {sign: chr(0x2500 + 0x20 * place) for place, sign in enumerate("|{[<(%+!$@")}


def is_common(password: str, about: Iterable[str] = ()) -> bool:
    """Whether it is on the lists, or one of their words with figures and signs around it, or a plain pattern.

    ``about`` are words on its owner, which count as if they were on the lists.
    """
    text = _fold(password)
    core = _core(text)
    if (
        core in _COMMON
        or core in {_fold(word) for word in about}
        or any(map(_COMMON.__contains__, _trimmed(text)))
    ):
        return True
    return _guesses(text[:LOOKED_AT], about) < ENOUGH


def _guesses(text: str, about: Iterable[str]) -> float:
    """How many guesses ``text`` takes somebody who knows the lists and ``about``.

    The parts of zxcvbn are called one by one, because its one function keeps the words about an owner for whoever asks
    at the same time.
    """
    words = matching.build_ranked_dict([word.lower() for word in sorted(about)])
    read = readable(text)
    matches = matching.omnimatch(read, matching.RANKED_DICTIONARIES | {"user_inputs": words})
    return float(scoring.most_guessable_match_sequence(read, matches)["guesses"])


def readable(text: str) -> str:
    """``text`` with fewer signs that can stand for letters, where they could be read in too many ways."""
    for sign, other in _SIGNS.items():
        if _readings(text) <= READINGS:
            break
        text = text.replace(sign, other)
    return text


def _readings(text: str) -> int:
    """In how many ways, at most, its signs can be read as letters."""
    ways = 1
    seen: set[str] = set()
    for signs in matching.relevant_l33t_subtable(text, matching.L33T_TABLE).values():
        ways *= len(signs) * (1 if seen.isdisjoint(signs) else 2)
        seen.update(signs)
    return ways


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


def _core(text: str) -> str:
    """``text`` from its first letter to its last one."""
    letters = [place for place, char in enumerate(text) if char.isalnum() and not char.isdecimal()]
    return text[letters[0] : letters[-1] + 1] if letters else ""


def _fold(text: str) -> str:
    return normal(text).casefold()


def _squeeze(text: str) -> str:
    return re.sub(r"[\W_]+", "", _fold(text))
