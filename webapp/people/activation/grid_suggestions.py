"""What somebody probably needs, by what people like them have. Pure; a suggestion is shown, never applied by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from webapp.people.directory.setup import SetUp

FEWEST = 2  # people alike before anything follows from them


@dataclass(frozen=True)
class Trait:
    """Something that people have in common.

    ``kind``: team, role or title (what ``platform``, a label, calls them there), or domain, that of their email.
    """

    kind: str
    value: str
    platform: str = ""


@dataclass(frozen=True)
class Suggestion:
    """``same`` of the ``of`` people with ``trait`` have ``set_up``; with 0 of 0 the trait names one of our teams."""

    set_up: SetUp
    trait: Trait
    same: int
    of: int


@dataclass
class Experience:
    """What people who are active have, counted by trait."""

    seen: dict[Trait, Counter[SetUp]] = field(default_factory=dict)

    def add(self, traits: Iterable[Trait], set_up: SetUp) -> None:
        for trait in traits:
            self.seen.setdefault(trait, Counter())[set_up] += 1


def suggest(
    traits: Sequence[Trait], experience: Experience, teams: Mapping[str, int], agent: int | None
) -> Suggestion | None:
    """A suggestion for somebody with ``traits``, the most telling first; ``None`` when nothing follows.

    More than half of the people with a trait have to have the same. ``teams`` are IDs by case-folded name, those
    that only one team has: a team there of the same name makes an agent of that team (``agent`` is the role).
    """
    for trait in traits:
        counted = experience.seen.get(trait, Counter())
        if counted.total() >= FEWEST:
            set_up, same = min(counted.items(), key=lambda item: (-item[1], _order(item[0])))
            if same * 2 > counted.total():
                return Suggestion(set_up, trait, same, counted.total())
        team = teams.get(trait.value.casefold()) if trait.kind == "team" else None
        if team is not None and agent is not None:
            return Suggestion(SetUp(frozenset({agent}), team, frozenset()), trait, 0, 0)
    return None


def _order(set_up: SetUp) -> tuple[list[int], int, list[int]]:
    """Makes the choice between equals the same each time."""
    return sorted(set_up.roles), set_up.team or 0, sorted(set_up.access)
