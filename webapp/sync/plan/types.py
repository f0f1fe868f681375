"""The words of a plan: what matching knows, decides, and says. Plain values, no behaviour of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase

import msgspec

from webapp.core.match_keys import match_key
from webapp.platforms.base import Person

NAME_MAX = 255  # characters
EMAIL_MAX = 254
USERNAME_MIN, USERNAME_MAX = 3, 100


class Kind(StrEnum):
    """What happens to one person."""

    IMPORT = "imported"  # unknown here: a new pending user
    LINK = "linked"  # a user here is recognised for the first time
    RENAME = "renamed"  # linked already, the name there has changed
    REFRESH = "unchanged"  # only what we remember of the person changes
    LEAVE_OUT = "left_out"
    CONFLICT = "conflict"
    MISSING = "missing"  # no longer listed there


class Reason(StrEnum):
    """Why someone was left out or is in conflict."""

    USER_TYPE = "user_type"
    EXCLUDED = "excluded"
    EXCLUDED_EMAIL = "excluded_email"
    IDENTIFIER_EMPTY = "identifier_empty"
    NAME_TOO_LONG = "name_too_long"
    EMAIL_TOO_LONG = "email_too_long"
    NO_USERNAME = "no_username"
    SEVERAL_USERS = "several_users"
    SAME_VALUE = "same_value"
    ALREADY_LINKED = "already_linked"
    CAME_BACK = "came_back"  # the user's own person is listed no more: probably the same human under a new ID
    USERNAME_TAKEN = "username_taken"


class Known(msgspec.Struct, frozen=True):
    """What we remember of one person of this integration, and the user they are linked to.

    ``named_elsewhere``: another platform, whose names win, lists that user as well.
    """

    person_id: int
    remote_id: str
    name: str
    email: str | None = None
    user_id: int | None = None
    user_name: str | None = None
    missing: bool = False
    named_elsewhere: bool = False


class UserHere(msgspec.Struct, frozen=True):
    """A user of the contract as matching sees them. ``linked_to`` is their person's remote ID, if any."""

    user_id: int
    name: str
    username_key: str
    email_key: str | None = None
    third_party_key: str | None = None
    linked_to: str | None = None
    inactive: bool = False
    named_elsewhere: bool = False


class Decision(msgspec.Struct, frozen=True):
    """What somebody decided about one person who was in conflict: link to ``user_id``, or import as new."""

    user_id: int | None
    by: str


class Rule(msgspec.Struct, frozen=True):
    """How people are matched. No column: username, user ID and email, each with its own kind.

    Nobody is imported or renamed who is of a type in ``left_out_types``, whose remote ID is in ``excluded``, or
    whose email fits one of ``excluded_emails`` (``*`` stands for any characters, ``?`` for one).
    ``decisions``, by remote ID, answer what matching alone cannot.
    """

    identifier_column: str | None = None
    left_out_types: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    excluded_emails: tuple[str, ...] = ()
    decisions: Mapping[str, Decision] = {}

    def leaves_out(self, person: Person) -> Reason | None:
        """Why ``person`` is not to be synced at all, if so."""
        if person.remote_id in self.excluded:
            return Reason.EXCLUDED
        if not self.left_out_types.isdisjoint(person.types):
            return Reason.USER_TYPE
        email = match_key(person.email) if self.excluded_emails else None
        if email and any(fnmatchcase(email, pattern) for pattern in self.excluded_emails):
            return Reason.EXCLUDED_EMAIL
        return None


class Step(msgspec.Struct, frozen=True):
    """What happens to one person. ``before`` and ``after`` are names, where a name changes."""

    kind: Kind
    remote_id: str
    name: str
    email: str | None = None
    person: Person | None = None
    person_id: int | None = None
    user_id: int | None = None
    username: str | None = None
    before: str | None = None
    after: str | None = None
    reason: Reason | None = None
    value: str | None = None
    candidates: tuple[int, ...] = ()
    returned: bool = False
    inactive: bool = False
    decided_by: str | None = None


class Plan(msgspec.Struct, frozen=True):
    """All steps, by remote ID. ``same`` people need none."""

    steps: list[Step]
    same: int

    def count(self, kind: Kind) -> int:
        return sum(step.kind is kind for step in self.steps)

    def reasons(self) -> Counter[str]:
        """How often each reason occurs."""
        return Counter(step.reason.value for step in self.steps if step.reason is not None)


class IdentifierAbsent(Exception):
    """Nobody in the list has the identifier column. ``columns`` are those that exist, sorted."""

    def __init__(self, column: str, columns: list[str]) -> None:
        super().__init__(column)
        self.column = column
        self.columns = columns
