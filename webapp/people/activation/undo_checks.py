"""Whether an activation can be undone: only while its users are exactly as it left them. Changes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.audit.about_user import events_since
from webapp.core.id_ranges import chunks, ids_in
from webapp.core.models import Activation, ReportingAccess, User, UserRole, UserTeam
from webapp.people.activation.deactivate import ABOVE, LAST_ADMINISTRATOR, YOURSELF, protected
from webapp.people.directory.directory import Directory

ACTIVATED = ("users.activated", "users.reactivated")
PROTECTED_WORDS = {
    YOURSELF: "this is you, and nobody takes away their own licence",
    ABOVE: "may do more than you, so it takes someone who may do the same",
    LAST_ADMINISTRATOR: "one administrator who can sign in has to stay",
}

Reasons = dict[int, str]


def people_of(made: Activation) -> list[int]:
    """Everybody who was activated, ascending."""
    return sorted(user_id for group in made.given for user_id in ids_in(group["ids"]))


def why_not(
    session: Session,
    made: Activation,
    directory: Directory,
    *,
    by_user_id: int,
    permissions: frozenset[str],
) -> Reasons:
    """Who stands in the way of undoing ``made``, each with the reason in words; nobody if it can be undone."""
    ids = people_of(made)
    reasons = touched(session, made, ids)
    guarded = protected(session, ids, directory, by_user_id=by_user_id, permissions=permissions)
    return {user: PROTECTED_WORDS[why] for user, why in guarded.items()} | reasons


def touched(session: Session, made: Activation, ids: Sequence[int]) -> Reasons:
    """Whom something else has changed since. A name that a platform gave does not count: it stays either way."""
    reasons = _changed_by_people(session, made, ids)
    with_account = {user_id for group in made.before if group["account"] for user_id in ids_in(group["ids"])}
    given = {
        user_id: (set(group["roles"]), {group["team"]} - {None}, set(group["access"]))
        for group in made.given
        for user_id in ids_in(group["ids"])
    }
    for some in chunks(ids):
        has = _set_ups(session, some)
        rows = session.execute(
            sa.select(User.id, User.status, User.status_since, User.account_id).where(
                User.contract_id == made.contract_id, User.id.in_(some)
            )
        ).all()
        for row in rows:
            if row.status == "merged":
                reasons[row.id] = "was merged into another user"
            elif row.status != "active":
                reasons[row.id] = f"is {row.status} by now"
            elif row.status_since != made.at:
                reasons[row.id] = "was deactivated and activated again"
            elif row.account_id is not None and row.id not in with_account:
                reasons[row.id] = "can sign in by now"
            elif has[row.id] != given[row.id]:
                reasons.setdefault(row.id, "has other roles, another team or other access by now")
        missing = set(some) - {row.id for row in rows}
        reasons |= dict.fromkeys(missing, "is not here any more")
    return reasons


def _set_ups(session: Session, ids: Sequence[int]) -> dict[int, tuple[set[Any], set[Any], set[Any]]]:
    found: dict[int, tuple[set[Any], set[Any], set[Any]]] = defaultdict(lambda: (set(), set(), set()))
    for place, column, owner in (
        (0, UserRole.role_id, UserRole.user_id),
        (1, UserTeam.team_id, UserTeam.user_id),
        (2, ReportingAccess.team_id, ReportingAccess.user_id),
    ):
        for user_id, thing in session.execute(sa.select(owner, column).where(owner.in_(ids))):
            found[user_id][place].add(thing)
    return found


def _changed_by_people(session: Session, made: Activation, ids: Sequence[int]) -> Reasons:
    """Whom the audit log names later than the activation, apart from what was done in the same request.

    The last event about somebody is the reason. However many there are, each user is named once.
    """
    reasons: Reasons = {}
    left = _Left(len(ids))
    for event in events_since(session, made.contract_id, ids, made.at, besides=ACTIVATED):
        for part in event.parts:
            reasons |= {ids[place]: f"was changed since by {event.actor}" for place in left.taken(part)}
    return reasons


class _Left:
    """The places of a list that nobody has taken yet; what is taken is never looked at again."""

    def __init__(self, count: int) -> None:
        self._next = list(range(count + 1))  # the first place from here on that is left, or a nearer one

    def taken(self, part: slice) -> Iterator[int]:
        """Take what is left of ``part``."""
        place = self._first(part.start)
        while place < part.stop:
            self._next[place] = place + 1
            yield place
            place = self._first(place + 1)

    def _first(self, place: int) -> int:
        first = place
        while self._next[first] != first:
            first = self._next[first]
        while self._next[place] != first and place != first:  # so that nobody walks there again
            self._next[place], place = first, self._next[place]
        return first
