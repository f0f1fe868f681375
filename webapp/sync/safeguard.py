"""The safeguard: a list that lost too many people is not believed until someone has looked. Pure."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """A run is held when it would lose more than ``percent`` of the people *and* at least ``people``."""

    percent: int = 20
    people: int = 5


class Held(msgspec.Struct, frozen=True):
    """Why a run is held: how many people were known, are listed now, and would be marked missing."""

    known: int
    found: int
    gone: int
    percent: int
    people: int
    names: list[str]

    @property
    def gone_percent(self) -> float:
        return 100 * self.gone / self.known if self.known else 0.0


def shrunk(*, gone: int, known: int, limits: Limits) -> bool:
    """Whether ``gone`` of ``known`` people are more than ``limits`` let go at once."""
    return gone >= limits.people and gone * 100 > limits.percent * known


def judge(*, known: int, found: int, gone_names: list[str], limits: Limits) -> Held | None:
    """``Held`` when the list is empty or shrank past ``limits``, else ``None``.

    ``known``: people listed at the last good run. ``gone_names``: names of those not listed any more.
    """
    gone = len(gone_names)
    if found and not shrunk(gone=gone, known=known, limits=limits):
        return None
    return Held(known, found, gone, limits.percent, limits.people, sorted(gone_names)[:20])


def still_covers(approved: Held, now: Held) -> bool:
    """Whether an approval given for ``approved`` also covers what the list looks like ``now``."""
    return now.gone <= approved.gone


def held_from(stored: dict[str, object] | None) -> Held | None:
    """The ``Held`` that a run's row keeps."""
    return msgspec.convert(stored, Held) if stored else None
