"""Reading conflicts and decisions for the page, in a constant number of statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from webapp.core.match_keys import match_key
from webapp.core.models import Decision, Exclusion, Integration, Person, User, db, is_here
from webapp.platforms.platform import Platform
from webapp.platforms.registry import PLATFORMS
from webapp.web.paging import Page, page_of

# reason: (what the matter is, what else can be done about it)
REASONS: dict[str, tuple[str, str]] = {
    "several_users": (
        "Matches more than one user",
        "Give the users different email addresses and IDs to stop this coming back.",
    ),
    "same_value": (
        "Shares an identifier with someone else there",
        "Correct one of the two there to stop this coming back.",
    ),
    "already_linked": (
        "Matches a user who is linked to someone else there",
        "If both are the same person, one of the two accounts there is one too many.",
    ),
    "came_back": (
        "Probably the same person, who came back under a new ID",
        "Moving the link is never done by itself: the old ID might have been somebody else’s.",
    ),
    "username_taken": (
        "Their username belongs to a user here",
        "If that user is somebody else, change one of the two usernames.",
    ),
}


@dataclass(frozen=True)
class Past:
    """Who the user was on that platform until they were gone from it."""

    remote_id: str
    name: str
    email: str | None
    first_seen_at: datetime
    missing_since: datetime


@dataclass(frozen=True)
class Candidate:
    """A user the person may be. ``fits`` are the identifiers that agree, ``differs`` those that do not."""

    user_id: int
    name: str
    email: str | None
    username: str
    status: str
    fits: tuple[str, ...]
    differs: tuple[str, ...]
    past: Past | None = None


@dataclass(frozen=True)
class ConflictRow:
    """One person in conflict. ``others`` share their identifier there: pairs of name and remote ID."""

    person_id: int
    name: str
    email: str | None
    remote_id: str
    team: str | None
    platform: Platform
    why: str
    hint: str
    value: str | None
    since: datetime
    candidates: tuple[Candidate, ...]
    others: tuple[tuple[str, str], ...]
    came_back: bool = False


@dataclass(frozen=True)
class DecisionRow:
    """One decision. ``waiting``: no run has carried it out yet."""

    decision_id: int
    person_name: str
    platform: Platform
    why: str
    what: str
    user_id: int | None
    decided_by: str
    decided_at: datetime
    waiting: bool


@dataclass(frozen=True)
class Filters:
    """What the reader asked for; an empty text means any."""

    platform: str = ""
    reason: str = ""
    q: str = ""


def open_count(contract_id: int) -> int:
    """How many people wait for a decision."""
    return db.session.scalar(sa.select(sa.func.count()).select_from(_open(contract_id).subquery())) or 0


def decided_count(contract_id: int) -> int:
    return (
        db.session.scalar(
            sa.select(sa.func.count())
            .select_from(Decision)
            .where(Decision.contract_id == contract_id, Decision.forgotten_at.is_(None))
        )
        or 0
    )


def conflicts(contract_id: int, filters: Filters) -> tuple[list[ConflictRow], Page]:
    """The page of conflicts that the request asks for, the longest known first."""
    statement = _open(contract_id)
    if filters.platform:
        statement = statement.where(Integration.platform == filters.platform)
    if filters.reason in REASONS:
        statement = statement.where(Person.reason == filters.reason)
    needle = match_key(filters.q)
    if needle:
        statement = statement.where(
            sa.or_(
                *(
                    sa.func.lower(column).contains(needle, autoescape=True)
                    for column in (Person.name, Person.email, Person.remote_id)
                )
            )
        )
    total = db.session.scalar(sa.select(sa.func.count()).select_from(statement.subquery())) or 0
    page = page_of(total)
    people = db.session.execute(statement.order_by(Person.id).limit(page.size).offset(page.offset)).all()
    users = _users(contract_id, [person for person, _ in people])
    others = _others([person for person, _ in people])
    pasts = _pasts([person for person, _ in people], users)
    return [_row(person, platform, users, others, pasts) for person, platform in people], page


def decisions(contract_id: int) -> tuple[list[DecisionRow], Page]:
    """The page of decisions that the request asks for, the newest first."""
    page = page_of(decided_count(contract_id))
    found = db.session.execute(
        sa.select(Decision, Integration.platform, User.name, Person.outcome)
        .join(Integration, Integration.id == Decision.integration_id)
        .outerjoin(User, User.id == Decision.user_id)
        .outerjoin(
            Person,
            sa.and_(Person.integration_id == Decision.integration_id, Person.remote_id == Decision.remote_id),
        )
        .where(Decision.contract_id == contract_id, Decision.forgotten_at.is_(None))
        .order_by(Decision.id.desc())
        .limit(page.size)
        .offset(page.offset)
    ).all()
    rows = [
        DecisionRow(
            decision.id,
            decision.person_name,
            PLATFORMS[platform],
            REASONS.get(decision.reason, (decision.reason, ""))[0],
            _what(decision, user_name),
            decision.user_id,
            decision.decided_by,
            decision.decided_at,
            outcome == "conflict",
        )
        for decision, platform, user_name, outcome in found
    ]
    return rows, page


def _what(decision: Decision, user_name: str | None) -> str:
    """What was decided, in words."""
    if decision.user_id is None:
        return "Is someone new"
    if decision.moved_from is not None:
        return f"Is {user_name}, who came back: the link moved from ID {decision.moved_from}"
    return f"Is {user_name}"


def is_decided() -> sa.ColumnElement[bool]:
    """A person about whom somebody has decided already, though no run may have done so yet."""
    decided = sa.select(Decision.id).where(
        Decision.integration_id == Person.integration_id,
        Decision.remote_id == Person.remote_id,
        Decision.forgotten_at.is_(None),
    )
    excluded = sa.select(Exclusion.id).where(
        Exclusion.integration_id == Person.integration_id,
        Exclusion.kind == "person",
        Exclusion.value == Person.remote_id,
    )
    return sa.or_(decided.exists(), excluded.exists())


def _open(contract_id: int) -> sa.Select[Person, str]:
    return (
        sa.select(Person, Integration.platform)
        .join(Integration, Integration.id == Person.integration_id)
        .where(
            Person.contract_id == contract_id,
            Person.outcome == "conflict",
            Person.missing_since.is_(None),
            ~is_decided(),
        )
    )


def _users(contract_id: int, people: Sequence[Person]) -> dict[int, User]:
    wanted = {user for person in people for user in (person.detail or {}).get("candidates", [])}
    if not wanted:
        return {}
    found = db.session.scalars(
        sa.select(User).where(User.contract_id == contract_id, User.id.in_(wanted), is_here())
    )
    return {user.id: user for user in found}


def _pasts(people: Sequence[Person], users: Iterable[int]) -> dict[tuple[int, int], Past]:
    """Whom these users were linked to until the platform listed them no more, by integration and user."""
    integrations = {person.integration_id for person in people}
    found = db.session.execute(
        sa.select(Person).where(
            Person.integration_id.in_(integrations),
            Person.user_id.in_(users),
            Person.missing_since.is_not(None),
        )
    ).scalars()
    return {
        (old.integration_id, old.user_id): Past(
            old.remote_id,
            old.name or old.email or old.remote_id,
            old.email,
            old.first_seen_at,
            old.missing_since,
        )
        for old in found
        if old.user_id is not None and old.missing_since is not None
    }


def _others(people: Sequence[Person]) -> dict[tuple[int, str], list[Person]]:
    """Everybody in conflict by the value they share, for the platforms on the page."""
    integrations = {person.integration_id for person in people if person.reason == "same_value"}
    shared: dict[tuple[int, str], list[Person]] = defaultdict(list)
    if integrations:
        for person in db.session.scalars(
            sa.select(Person)
            .where(Person.integration_id.in_(integrations), Person.outcome == "conflict")
            .limit(5000)
        ):
            key = match_key((person.detail or {}).get("value"))
            if key:
                shared[person.integration_id, key].append(person)
    return shared


def _row(
    person: Person,
    platform: str,
    users: dict[int, User],
    others: dict[tuple[int, str], list[Person]],
    pasts: dict[tuple[int, int], Past],
) -> ConflictRow:
    detail = person.detail or {}
    value = detail.get("value")
    why, hint = REASONS.get(person.reason or "", (person.reason or "", ""))
    same = others.get((person.integration_id, match_key(value) or ""), []) if value else []
    return ConflictRow(
        person_id=person.id,
        name=person.name or person.email or person.remote_id,
        email=person.email,
        remote_id=person.remote_id,
        team=person.attributes.get("team"),
        platform=PLATFORMS[platform],
        why=why,
        hint=hint,
        value=value,
        since=person.first_seen_at,
        candidates=tuple(
            _candidate(person, users[user], value, pasts.get((person.integration_id, user)))
            for user in detail.get("candidates", [])
            if user in users
        ),
        others=tuple(
            (other.name or other.remote_id, other.remote_id) for other in same if other.id != person.id
        )[:10],
        came_back=person.reason == "came_back",
    )


def _candidate(person: Person, user: User, value: str | None, past: Past | None) -> Candidate:
    """What agrees between the two: the identifier column's value, or each identifier with its own kind."""
    email, remote = match_key(person.email), match_key(person.remote_id)
    compared = {
        "Username": {match_key(value), email},
        "Third-party ID": {match_key(value), remote},
        "Email": {match_key(value), email},
    }
    here = {"Username": user.username_key, "Third-party ID": user.third_party_key, "Email": user.email_key}
    fits = tuple(name for name, key in here.items() if key and key in compared[name])
    return Candidate(
        user.id,
        user.name,
        user.email,
        user.username,
        user.status,
        fits,
        tuple(name for name, key in here.items() if key and name not in fits),
        past,
    )
