"""People without a link: who of the users here they are, or that they are new, or that somebody has to decide. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping

import msgspec

from webapp.core.match_keys import match_key
from webapp.platforms.base import Person
from webapp.sync.plan.types import (
    EMAIL_MAX,
    NAME_MAX,
    USERNAME_MAX,
    USERNAME_MIN,
    Decision,
    Kind,
    Known,
    Reason,
    Rule,
    Step,
    UserHere,
)


def shown_name(person: Person) -> str:
    """The person's name as this product would write it; without one, the email or the ID."""
    return (person.name or "").strip() or person.email or person.remote_id


def short_email(person: Person) -> str | None:
    """The person's email unless it is longer than can be stored."""
    return person.email if person.email and len(person.email) <= EMAIL_MAX else None


Keys = tuple[str | None, str | None, str | None]  # username, user ID, email in their matching forms


def match_strangers(
    strangers: list[Person],
    remembered: Mapping[str, Known],
    users: Iterable[UserHere],
    rule: Rule,
    unlisted: Container[str] = (),
) -> list[Step]:
    """People without a link: look everybody up first, then see who gets in whose way.

    Who has been decided about is done as decided; the others make way for them. ``unlisted`` are the remote IDs of
    people who are remembered and not there any more: whoever fits the user of one probably is them.
    """
    if not strangers:
        return []
    column = rule.identifier_column
    directory = _Directory(users)
    lookups: dict[str, Keys] = {}
    found: dict[str, dict[int, UserHere]] = {}
    values: dict[str, str] = {}
    drafts: dict[str, Step] = {}
    by_value: dict[str, list[str]] = defaultdict(list)
    by_user: dict[int, list[str]] = defaultdict(list)
    decided: dict[str, Decision] = {}

    for person in strangers:
        remote_id = person.remote_id
        draft = _draft(person, remembered.get(remote_id))
        drafts[remote_id] = draft
        reason = _unusable(person, column)
        if reason is not None:
            drafts[remote_id] = _with(draft, Kind.LEAVE_OUT, reason=reason)
            continue
        decision = rule.decisions.get(remote_id)
        if decision is not None:
            decided[remote_id] = decision
            if decision.user_id is not None:
                by_user[decision.user_id].append(remote_id)
            continue
        lookups[remote_id] = looked_for(person, column)
        if column is not None:
            values[remote_id] = person.columns[column]
            by_value[lookups[remote_id][0] or ""].append(remote_id)
        matches = directory.matching(lookups[remote_id])
        found[remote_id] = matches
        for user_id in matches:
            by_user[user_id].append(remote_id)

    promised = {user: [one for one in them if one in decided] for user, them in by_user.items()}
    for remote_id, decision in decided.items():
        drafts[remote_id] = _decided(drafts[remote_id], decision, directory, promised, unlisted)
    for remote_id in _shared(by_value):
        drafts[remote_id] = _with(
            drafts[remote_id], Kind.CONFLICT, reason=Reason.SAME_VALUE, value=values[remote_id]
        )
    for remote_id, matches in found.items():
        if drafts[remote_id].reason is None:
            drafts[remote_id] = _matched(drafts[remote_id], matches, by_user, unlisted)
    claimed = _claim_usernames(drafts, decided, directory)
    _refuse_shared_values(drafts, lookups, values, decided)
    _refuse_taken_usernames(drafts, lookups, directory, claimed)
    return list(drafts.values())


def looked_for(person: Person, column: str | None) -> Keys:
    """What ``person`` is looked up by: the column's value three times, or each identifier with its own kind."""
    if column is not None:
        value = match_key(person.columns.get(column)) or ""
        return value, value, value
    email = match_key(person.email)  # where a platform has no usernames, it stands for the username too
    return match_key(person.username) if person.username else email, match_key(person.remote_id), email


def users_like(lookups: Iterable[Keys], users: Iterable[UserHere]) -> list[list[int]]:
    """The ids of the ``users`` that each of the ``lookups`` finds, sorted."""
    directory = _Directory(users)
    return [sorted(directory.matching(lookup)) for lookup in lookups]


def _decided(
    draft: Step,
    decision: Decision,
    directory: _Directory,
    by_user: Mapping[int, list[str]],
    unlisted: Container[str],
) -> Step:
    """As somebody decided. A conflict once more when the user is linked to someone else or promised to another."""
    user = directory.by_id.get(decision.user_id) if decision.user_id is not None else None
    if user is None:
        return msgspec.structs.replace(draft, decided_by=decision.by)
    step = _matched(draft, {user.user_id: user}, by_user, unlisted)
    return msgspec.structs.replace(step, decided_by=decision.by)


def _shared(by_value: Mapping[str, list[str]]) -> list[str]:
    """Everybody whose value somebody else has too."""
    return [remote_id for remote_ids in by_value.values() if len(remote_ids) > 1 for remote_id in remote_ids]


def _refuse_shared_values(
    drafts: dict[str, Step], lookups: Mapping[str, Keys], values: Mapping[str, str], decided: Iterable[str]
) -> None:
    """Whoever looks for what somebody else's new user would have: a conflict, whatever else they match.

    Without this the outcome would depend on who is written first. People in conflict count like people to
    import, so that one conflict more may follow from another; in which order they are found does not matter. Who
    was ``decided`` about makes way for nobody.
    """
    own = {remote_id: _keys_of(drafts[remote_id]) for remote_id in (*lookups, *decided)}
    first: dict[str, str] = {}
    shared: set[str] = set()
    for remote_id, keys in own.items():
        for key in {*lookups.get(remote_id, ()), *keys}:
            if key and first.setdefault(key, remote_id) != remote_id:
                shared.add(key)
    if not shared:
        return
    seekers: dict[tuple[int, str], list[str]] = defaultdict(list)
    for remote_id, lookup in lookups.items():
        for place, key in enumerate(lookup):
            if key in shared:
                seekers[place, key].append(remote_id)
    waiting = [remote_id for remote_id in own if drafts[remote_id].kind in (Kind.IMPORT, Kind.CONFLICT)]
    while waiting:
        owner = waiting.pop()
        for place, key in enumerate(own[owner]):
            for other in seekers.get((place, key), ()) if key else ():
                if other != owner and drafts[other].kind is not Kind.CONFLICT:
                    draft = drafts[other]
                    drafts[other] = _with(
                        draft,
                        Kind.CONFLICT,
                        reason=Reason.SAME_VALUE,
                        value=values.get(other, draft.email),
                        candidates=(draft.user_id,) if draft.user_id else (),
                    )
                    waiting.append(other)


def _keys_of(draft: Step) -> Keys:
    """What the user would have whom ``draft`` imports."""
    return match_key(draft.username), match_key(draft.remote_id), match_key(draft.email)


def _refuse_taken_usernames(
    drafts: dict[str, Step], undecided: Iterable[str], directory: _Directory, claimed: Container[str]
) -> None:
    """Two people to import, or one and a user here, cannot get the same username: a conflict for each."""
    by_username: dict[str, list[str]] = defaultdict(list)
    for remote_id in undecided:
        if drafts[remote_id].kind is Kind.IMPORT:
            by_username[match_key(drafts[remote_id].username) or ""].append(remote_id)
    for username, remote_ids in by_username.items():
        taken = directory.by_username.get(username)
        if taken is None and len(remote_ids) == 1 and username not in claimed:
            continue
        for remote_id in remote_ids:
            drafts[remote_id] = _with(
                drafts[remote_id],
                Kind.CONFLICT,
                reason=Reason.USERNAME_TAKEN if taken else Reason.SAME_VALUE,
                value=drafts[remote_id].username,
                candidates=(taken.user_id,) if taken else (),
            )


def _claim_usernames(drafts: dict[str, Step], decided: Iterable[str], directory: _Directory) -> set[str]:
    """Give everybody who was decided to be imported the first of their names that is free; the names given."""
    claimed: set[str] = set()
    for remote_id in sorted(decided):
        draft = drafts[remote_id]
        if draft.kind is not Kind.IMPORT or draft.person is None:
            continue
        for username in _usernames(draft.person):
            key = match_key(username) or ""
            if key not in directory.by_username and key not in claimed:
                claimed.add(key)
                drafts[remote_id] = msgspec.structs.replace(draft, username=username)
                break
        else:
            drafts[remote_id] = _with(
                draft, Kind.CONFLICT, reason=Reason.USERNAME_TAKEN, value=draft.username
            )
    return claimed


def _draft(person: Person, entry: Known | None) -> Step:
    """The step of someone nobody here is like: import."""
    return Step(
        Kind.IMPORT,
        person.remote_id,
        shown_name(person)[:NAME_MAX],
        short_email(person),
        person=person,
        person_id=entry.person_id if entry else None,
        username=next(iter(_usernames(person)), None),
        returned=entry.missing if entry else False,
    )


def _matched(
    draft: Step,
    matches: Mapping[int, UserHere],
    by_user: Mapping[int, list[str]],
    unlisted: Container[str],
) -> Step:
    """Exactly one user who is free: link. None: import. Anything else is for a person to decide."""
    if not matches:
        if draft.username is None:
            return _with(draft, Kind.LEAVE_OUT, reason=Reason.NO_USERNAME)
        return draft
    candidates = tuple(sorted(matches))
    if len(matches) > 1:
        return _with(draft, Kind.CONFLICT, reason=Reason.SEVERAL_USERS, candidates=candidates)
    user = matches[candidates[0]]
    if user.linked_to is not None and user.linked_to != draft.remote_id:
        alone = user.linked_to in unlisted and len(by_user[user.user_id]) == 1
        reason = Reason.CAME_BACK if alone else Reason.ALREADY_LINKED
        return _with(draft, Kind.CONFLICT, reason=reason, value=user.linked_to, candidates=candidates)
    if len(by_user[user.user_id]) > 1:
        return _with(draft, Kind.CONFLICT, reason=Reason.SAME_VALUE, candidates=candidates)
    name = (draft.person.name or "").strip() if draft.person else ""
    rename = bool(name) and name != user.name.strip() and not user.named_elsewhere
    return _with(
        draft,
        Kind.RENAME if rename else Kind.LINK,
        user_id=user.user_id,
        before=user.name if rename else None,
        after=name if rename else None,
        inactive=user.inactive,
    )


def _with(
    step: Step,
    kind: Kind,
    *,
    reason: Reason | None = None,
    value: str | None = None,
    candidates: tuple[int, ...] = (),
    user_id: int | None = None,
    before: str | None = None,
    after: str | None = None,
    inactive: bool = False,
) -> Step:
    return Step(
        kind,
        step.remote_id,
        step.name,
        step.email,
        person=step.person,
        person_id=step.person_id,
        user_id=user_id,
        username=step.username,
        before=before,
        after=after,
        reason=reason,
        value=value,
        candidates=candidates,
        returned=step.returned,
        inactive=inactive,
    )


def _unusable(person: Person, column: str | None) -> Reason | None:
    if column is not None and not match_key(person.columns.get(column)):
        return Reason.IDENTIFIER_EMPTY
    if len((person.name or "").strip()) > NAME_MAX:
        return Reason.NAME_TOO_LONG
    if len(person.email or "") > EMAIL_MAX:
        return Reason.EMAIL_TOO_LONG
    return None


def _usernames(person: Person) -> list[str]:
    """Those of username, email and ID that are 3 to 100 characters long, the best first."""
    return [
        value.strip()
        for value in (person.username, person.email, person.remote_id)
        if value and USERNAME_MIN <= len(value.strip()) <= USERNAME_MAX
    ]


class _Directory:
    """The users here, by each of the values that matching compares."""

    def __init__(self, users: Iterable[UserHere]) -> None:
        self.by_id: dict[int, UserHere] = {}
        self.by_username: dict[str, UserHere] = {}
        self._by_email: dict[str, list[UserHere]] = defaultdict(list)
        self._by_third_party: dict[str, list[UserHere]] = defaultdict(list)
        for user in users:
            self.by_id[user.user_id] = user
            self.by_username[user.username_key] = user
            if user.email_key:
                self._by_email[user.email_key].append(user)
            if user.third_party_key:
                self._by_third_party[user.third_party_key].append(user)

    def matching(self, lookup: Keys) -> dict[int, UserHere]:
        """Users by ID whose username, user ID or email is the one in ``lookup``."""
        username, third_party, email = lookup
        matches: list[UserHere] = []
        if username and username in self.by_username:
            matches.append(self.by_username[username])
        if third_party:
            matches += self._by_third_party.get(third_party, ())
        if email:
            matches += self._by_email.get(email, ())
        return {user.user_id: user for user in matches}
