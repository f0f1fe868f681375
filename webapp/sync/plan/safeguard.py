"""The safeguard: a list that lost, or brings, too many people is not believed until someone has looked. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

PERCENT_MAX, GROWTH_PERCENT_MAX, PEOPLE_MAX = 100, 1_000, 1_000_000
NAMES_SHOWN = 20


class Limits(msgspec.Struct, frozen=True):
    """When a run is held: it exceeds a share, in percent, *and* reaches a number of people.

    Losing is measured against the people who were listed, growing against those of them who are users here.
    """

    shrink_percent: int = 20
    shrink_people: int = 5
    growth_percent: int = 50
    growth_people: int = 50


class Held(msgspec.Struct, frozen=True):
    """Why a run is held: what it would do, beside what was known, and the limits that were in force then.

    ``gone`` of ``known`` people would be marked as gone; ``new`` users would come to ``linked`` ones; ``renamed`` ones
    would get another name. ``restored``: what is known comes from a backup, and no run went through since.
    """

    known: int
    found: int
    gone: int
    percent: int
    people: int
    names: list[str]
    linked: int = 0
    new: int = 0
    growth_percent: int = 50
    growth_people: int = 50
    new_names: list[str] = []
    restored: bool = False
    renamed: int = 0

    @property
    def limits(self) -> Limits:
        return Limits(self.percent, self.people, self.growth_percent, self.growth_people)

    @property
    def empty(self) -> bool:
        return self.found == 0

    @property
    def shrunk(self) -> bool:
        return shrunk(gone=self.gone, known=self.known, limits=self.limits)

    @property
    def grown(self) -> bool:
        return _grown(self, self.limits)

    @property
    def undone(self) -> bool:
        """Whether too much of what was restored would change: who is gone and whose name is another, together."""
        changed = self.gone + self.renamed
        return (
            self.restored and self.renamed > 0 and shrunk(gone=changed, known=self.known, limits=self.limits)
        )

    @property
    def undone_percent(self) -> float:
        return 100 * (self.gone + self.renamed) / self.known if self.known else 0.0

    @property
    def gone_percent(self) -> float:
        return 100 * self.gone / self.known if self.known else 0.0

    @property
    def new_percent(self) -> float:
        return 100 * self.new / self.linked if self.linked else 0.0


def shrunk(*, gone: int, known: int, limits: Limits) -> bool:
    """Whether ``gone`` of ``known`` people are more than ``limits`` let go at once."""
    return gone >= limits.shrink_people and gone * 100 > limits.shrink_percent * known


class Shown(msgspec.Struct, frozen=True):
    """Whom a held run was about, by remote ID: who would be marked as gone, be new, and get another name."""

    gone: list[str]
    new: list[str]
    renamed: list[str] = []


def judge(
    *,
    known: int,
    found: int,
    gone_names: Sequence[str],
    limits: Limits,
    linked: int = 0,
    new_names: Sequence[str] = (),
    restored: bool = False,
    renamed: int = 0,
) -> Held | None:
    """``Held`` when the list is empty, shrank or grew past ``limits``, or undoes much of a backup, else ``None``.

    ``known``: people listed at the last good run; ``linked``: how many of them are users here, none before a
    first import, which is therefore never too large.
    """
    held = Held(
        known,
        found,
        len(gone_names),
        limits.shrink_percent,
        limits.shrink_people,
        sorted(gone_names)[:NAMES_SHOWN],
        linked,
        len(new_names),
        limits.growth_percent,
        limits.growth_people,
        sorted(new_names)[:NAMES_SHOWN],
        restored,
        renamed,
    )
    return held if held.empty or held.shrunk or held.grown or held.undone else None


def still_covers(approved: Held, shown: Shown | None, now: Held, people: Shown) -> bool:
    """Whether an approval of ``approved``, which was about ``shown``, covers what the list looks like ``now``.

    Where the limits are exceeded it covers nobody who was not shown; below them nobody has to be. (A run that was
    held before people were kept is compared by numbers.)
    """
    if shown is None:
        return now.gone <= approved.gone and now.new <= approved.new and not now.undone
    gone_covered = set(people.gone) <= set(shown.gone)
    new_covered = set(people.new) <= set(shown.new)
    renamed_covered = set(people.renamed) <= set(shown.renamed)
    return (
        (gone_covered or not (now.empty or now.shrunk or now.undone))
        and (new_covered or not now.grown)
        and (renamed_covered or not now.undone)
    )


def raised(held: Held, limits: Limits) -> Limits:
    """``limits``, no higher than lets a run like ``held`` pass; only an empty list is held by any limits."""
    if shrunk(gone=held.gone, known=held.known, limits=limits):
        limits = msgspec.structs.replace(limits, shrink_percent=_share(held.gone, held.known))
    if _grown(held, limits):
        percent = _share(held.new, held.linked)
        if percent <= GROWTH_PERCENT_MAX:
            limits = msgspec.structs.replace(limits, growth_percent=percent)
        else:
            limits = msgspec.structs.replace(limits, growth_people=min(held.new + 1, PEOPLE_MAX))
    return limits


def _grown(held: Held, limits: Limits) -> bool:
    return (
        held.linked > 0
        and held.new >= limits.growth_people
        and held.new * 100 > limits.growth_percent * held.linked
    )


def _share(part: int, whole: int) -> int:
    """``part`` of ``whole`` in percent, rounded up."""
    return -(-100 * part // whole)


def held_from(stored: dict[str, object] | None) -> Held | None:
    """The ``Held`` that a run's row keeps."""
    return msgspec.convert(stored, Held) if stored else None


def shown_from(stored: dict[str, object] | None) -> Shown | None:
    """The ``Shown`` that a run's row keeps."""
    return msgspec.convert(stored, Shown) if stored else None
