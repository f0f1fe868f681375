"""Which of many names somebody may have meant. Pure, and bounded whatever the names are.

Names are compared by their last :data:`LOOKED_AT` characters. Those that share the rarest pairs of letters with what
was written are found through an index (:data:`STEPS` entries of it are read), and the :data:`COMPARED` best of them
are compared: by how long the longest common subsequence is, which bit arithmetic finds in a step for each character
(Hyyrö, “Bit-parallel LCS-length computation revisited”, 2004). No question costs more for there being more names; the
index is made once, of the first :data:`AMONG`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import islice

AMONG = 2_000  # names
LOOKED_AT = 64  # characters of a name, from its end: paths differ there
STEPS = 2_000  # entries of the index that one question reads
COMPARED = 24  # names that one question compares
MOST = 3  # answers
ALIKE = 0.6  # from here on somebody may have meant it; 1 is the same


class Nearest:
    """The keys of what there is, to be asked for those like another key. ``names``: what is answered, by key."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = [(_end(key), name) for key, name in islice(names.items(), AMONG)]
        self._having: dict[str, list[int]] = {}  # places in the list by a pair of letters
        for place, (key, _) in enumerate(self._names):
            for pair in _pairs(key):
                self._having.setdefault(pair, []).append(place)

    def to(self, key: str) -> list[str]:
        """At most :data:`MOST` names like ``key``, the nearest first."""
        wanted = _end(key)
        scored = []
        for place in self._candidates(wanted):
            other, name = self._names[place]
            score = alike(wanted, other)
            if score >= ALIKE:
                scored.append((-score, place, name))
        return list(dict.fromkeys(name for *_, name in sorted(scored)))[:MOST]

    def _candidates(self, wanted: str) -> list[int]:
        """The places of those that share most pairs, the rarest pairs being read first."""
        shared: Counter[int] = Counter()
        left = STEPS
        lists = sorted((self._having[pair] for pair in _pairs(wanted) if pair in self._having), key=len)
        for places in lists:
            shared.update(places[:left])
            left -= len(places)
            if left <= 0:
                break
        return [place for place, _ in shared.most_common(COMPARED)]


def alike(one: str, other: str) -> float:
    """How alike two texts are, from 0 to 1: twice their longest common subsequence, in parts of both lengths."""
    if not one or not other:
        return 0.0
    places: dict[str, int] = {}
    for place, char in enumerate(one):
        places[char] = places.get(char, 0) | 1 << place
    all_ones = (1 << len(one)) - 1
    unmatched = all_ones
    for char in other:
        met = unmatched & places.get(char, 0)
        unmatched = ((unmatched + met) | (unmatched - met)) & all_ones
    return 2 * (len(one) - unmatched.bit_count()) / (len(one) + len(other))


def _end(key: str) -> str:
    return key[-LOOKED_AT:]


def _pairs(key: str) -> set[str]:
    """Neighbouring characters, and the first and the last one with an edge beside it."""
    padded = f"\n{key}\n"
    return {padded[start : start + 2] for start in range(len(padded) - 1)}
