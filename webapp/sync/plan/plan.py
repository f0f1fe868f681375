"""What a run would do: a pure function of people there, what is known of them here, and the users here.

Laws, each with a property test: the same input in any order gives the same plan; every person of the input
is in exactly one step; a plan that was applied leaves a plan that imports, links, renames and marks nobody;
nobody is marked missing who is in the list; a user is never linked to two people of one integration.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from webapp.platforms.base import Person
from webapp.sync.plan.matching import match_strangers, short_email, shown_name
from webapp.sync.plan.types import NAME_MAX, IdentifierAbsent, Kind, Known, Plan, Reason, Rule, Step, UserHere


def plan_sync(
    people: Sequence[Person],
    known: Iterable[Known],
    users: Iterable[UserHere],
    rule: Rule,
    *,
    same: int = 0,
) -> Plan:
    """Decide what happens to everybody who is not simply the same as last time.

    ``people``: all listed people but the ``same`` ones. ``known``: everybody remembered but the ``same``
    ones; who of them is not in ``people`` has gone missing. ``users``: at least every user that a person
    without a link could match. Raises :class:`IdentifierAbsent`.
    """
    column = rule.identifier_column
    if column is not None and people and not same and not any(column in person.columns for person in people):
        raise IdentifierAbsent(column, sorted({name for person in people for name in person.columns}))
    remembered = {entry.remote_id: entry for entry in known}
    listed = {person.remote_id for person in people}
    steps: list[Step] = []
    strangers: list[Person] = []
    for person in people:
        entry = remembered.get(person.remote_id)
        reason = rule.leaves_out(person)
        if reason is not None:
            steps.append(_left_out_step(person, entry, reason))
        elif entry is not None and entry.user_id is not None:
            steps.append(_known_step(person, entry))
        else:
            strangers.append(person)
    unlisted = {remote_id for remote_id in remembered if remote_id not in listed}
    steps += match_strangers(strangers, remembered, users, rule, unlisted)
    steps += [
        Step(
            Kind.MISSING,
            entry.remote_id,
            entry.name,
            entry.email,
            person_id=entry.person_id,
            user_id=entry.user_id,
        )
        for entry in remembered.values()
        if entry.remote_id not in listed and not entry.missing
    ]
    steps.sort(key=lambda step: step.remote_id)
    return Plan(steps, same)


def _known_step(person: Person, entry: Known) -> Step:
    """A link exists: only the name matters, and only one that is usable and wins."""
    name = (person.name or "").strip()
    before = (entry.user_name or "").strip()
    rename = bool(name) and len(name) <= NAME_MAX and name != before and not entry.named_elsewhere
    return Step(
        Kind.RENAME if rename else Kind.REFRESH,
        person.remote_id,
        shown_name(person)[:NAME_MAX],
        short_email(person),
        person=person,
        person_id=entry.person_id,
        user_id=entry.user_id,
        before=entry.user_name if rename else None,
        after=name if rename else None,
        returned=entry.missing,
    )


def _left_out_step(person: Person, entry: Known | None, reason: Reason) -> Step:
    """Set aside by a rule of the customer's; a link that exists stays, for the day the rule goes."""
    return Step(
        Kind.LEAVE_OUT,
        person.remote_id,
        shown_name(person)[:NAME_MAX],
        short_email(person),
        person=person,
        person_id=entry.person_id if entry else None,
        user_id=entry.user_id if entry else None,
        reason=reason,
        returned=entry.missing if entry else False,
    )
