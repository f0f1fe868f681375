"""Who in a list is meant by a name, an email or an ID, and what a run would do with them, as plain values. Pure.

What happens to somebody is read from the plan of the whole list, so no answer can differ from what a run does.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from webapp.core.match_keys import match_key, normal
from webapp.platforms.base import LeftOut, Listing, Person
from webapp.sync.plan.matching import looked_for, users_like
from webapp.sync.plan.types import Kind, Plan, Rule, Step, UserHere

MOST = 20  # people in one answer
MOST_NEAR = 5
NEAR_ENOUGH = 0.45  # of the pieces of three letters that two texts have in common

Entry = Person | LeftOut


class Meant(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody in the list whom the question may mean, and each thing that decides about them.

    ``set_aside`` is the platform's own rule; ``types_out`` are the labels of their types that are left out;
    ``excluded`` is “person”, or the pattern their email fits. ``looked_for`` are pairs of what and value,
    ``fits`` the ids of users found by them; ``linked`` people are not looked up any more. ``kind`` and what
    follows it are those of the plan's step.
    """

    remote_id: str
    name: str
    email: str | None = None
    team: str | None = None
    types: list[str] = []
    set_aside: str | None = None
    types_out: list[str] = []
    excluded: str | None = None
    looked_for: list[tuple[str, str]] = []
    fits: list[int] = []
    linked: bool = False
    kind: str | None = None
    reason: str | None = None
    value: str | None = None
    candidates: list[int] = []
    user_id: int | None = None
    username: str | None = None
    before: str | None = None
    after: str | None = None
    decided_by: str | None = None
    inactive: bool = False


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """``fit``: exact, part (of a name, say), near (only spelled alike) or none. ``more`` people fit as well.

    ``absent``: nobody has the identifier column, so no run gets further; the columns that exist.
    """

    account: str
    found: int
    fit: str
    people: list[Meant]
    more: int = 0
    column: str | None = None
    absent: list[str] | None = None


def folded(text: str | None) -> str:
    """The matching form of ``text`` without accents."""
    plain = normal(match_key(text) or "", "NFKD")
    return "".join(char for char in plain if not unicodedata.combining(char))


def meant_by(text: str, listing: Listing) -> tuple[str, list[Entry]]:
    """How well the best entries fit ``text`` (exact, part, near or none), and those entries, all of them."""
    entries: list[Entry] = [*listing.people, *listing.left_out]
    key = match_key(text)
    if key is None:
        return "none", []
    exact = [entry for entry in entries if key in {match_key(value) for value in _values(entry)}]
    if exact:
        return "exact", exact
    words = folded(text).split()
    part = [entry for entry in entries if _holds(words, entry)]
    if part:
        return "part", sorted(part, key=lambda entry: (folded(entry.name), entry.remote_id))
    near = _nearest(folded(text), entries)
    return ("near", near) if near else ("none", [])


def _values(entry: Entry) -> Iterable[str | None]:
    yield from (entry.remote_id, entry.email, entry.name)
    if isinstance(entry, Person):
        yield entry.username
        yield from entry.columns.values()


def _holds(words: Sequence[str], entry: Entry) -> bool:
    text = "\n".join(folded(value) for value in (entry.name, entry.email, entry.remote_id))
    return all(word in text for word in words)


def _nearest(wanted: str, entries: Sequence[Entry]) -> list[Entry]:
    pieces = _pieces(wanted)
    scored = []
    for entry in entries:
        texts = [folded(entry.name), folded(entry.email)]
        score = max(_alike(pieces, _pieces(text)) for text in [*texts, texts[1].partition("@")[0]])
        if score >= NEAR_ENOUGH:
            scored.append((-score, texts[0], entry.remote_id, entry))
    return [entry for *_, entry in sorted(scored, key=lambda one: one[:3])[:MOST_NEAR]]


def _pieces(text: str) -> frozenset[str]:
    padded = f"  {text} "
    return frozenset(padded[start : start + 3] for start in range(len(padded) - 2)) if text else frozenset()


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one and other else 0.0


def explained(
    entries: Sequence[Entry],
    listing: Listing,
    plan: Plan | None,
    rule: Rule | None,
    users: Sequence[UserHere],
    linked: Mapping[str, int],
) -> list[Meant]:
    """What decides about each of ``entries``. ``linked``: the user IDs of people who are known, by remote ID.

    Without a plan (nobody has the identifier column) nothing is said beyond who they are.
    """
    steps = {step.remote_id: step for step in plan.steps} if plan else {}
    labels = {user_type.key: user_type.label for user_type in listing.user_types}
    fits = _fits([entry for entry in entries if isinstance(entry, Person)], rule, users) if rule else {}
    told = []
    for entry in entries:
        if isinstance(entry, LeftOut):
            told.append(Meant(entry.remote_id, entry.name, entry.email, set_aside=entry.reason))
            continue
        who: dict[str, Any] = {
            "remote_id": entry.remote_id,
            "name": (entry.name or "").strip() or entry.email or entry.remote_id,
            "email": entry.email,
            "team": entry.team,
            "types": [labels.get(key, key) for key in entry.types],
        }
        if plan is None or rule is None:
            told.append(Meant(**who))
            continue
        told.append(
            Meant(
                **who,
                types_out=[labels.get(key, key) for key in entry.types if key in rule.left_out_types],
                excluded=_excluded(entry, rule),
                looked_for=_looked_for(entry, rule.identifier_column),
                fits=fits[entry.remote_id],
                linked=entry.remote_id in linked,
                **_decided(steps.get(entry.remote_id), linked.get(entry.remote_id)),
            )
        )
    return told


def _fits(people: Sequence[Person], rule: Rule, users: Sequence[UserHere]) -> dict[str, list[int]]:
    """The ids of the users that each of ``people`` is like, by remote ID."""
    found = users_like((looked_for(person, rule.identifier_column) for person in people), users)
    return {person.remote_id: ids for person, ids in zip(people, found, strict=True)}


def _excluded(person: Person, rule: Rule) -> str | None:
    """“person” or the pattern that keeps ``person`` out, whatever their type."""
    bare = msgspec.structs.replace(rule, left_out_types=frozenset())
    if msgspec.structs.replace(bare, excluded_emails=()).leaves_out(person):
        return "person"
    for pattern in rule.excluded_emails:
        alone = msgspec.structs.replace(bare, excluded=frozenset(), excluded_emails=(pattern,))
        if alone.leaves_out(person):
            return pattern
    return None


def _looked_for(person: Person, column: str | None) -> list[tuple[str, str]]:
    if column is not None:
        value = person.columns.get(column)
        return [(column, value)] if value else []
    shown = (
        ("Username", person.username or person.email),
        ("User ID", person.remote_id),
        ("Email", person.email),
    )
    return [(what, value) for what, value in shown if value]


def _decided(step: Step | None, user_id: int | None) -> dict[str, Any]:
    """The plan's step as values; without one the person is settled: linked, listed and called so."""
    if step is None:
        return {"kind": Kind.REFRESH.value, "user_id": user_id}
    return {
        "kind": step.kind.value,
        "reason": step.reason.value if step.reason else None,
        "value": step.value,
        "candidates": list(step.candidates),
        "user_id": step.user_id,
        "username": step.username if step.kind is Kind.IMPORT else None,
        "before": step.before,
        "after": step.after,
        "decided_by": step.decided_by,
        "inactive": step.inactive,
    }
