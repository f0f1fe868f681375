"""Who a bulk action is about, as its page shows them before anything is changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import url_for

from webapp.core.models import db
from webapp.core.permissions import Access
from webapp.people.activation.deactivate import ABOVE, LAST_ADMINISTRATOR, YOURSELF, protected
from webapp.people.directory.directory import Directory
from webapp.people.directory.rows import UserRow, rows_of
from webapp.people.directory.selection import MAX_KEPT, Found, Selection, Stray, find, pack

SPARED_WORDS = {
    YOURSELF: "you cannot deactivate yourself.",
    ABOVE: "they may do more than you, so it takes someone who may do the same.",
    LAST_ADMINISTRATOR: "one administrator who can sign in has to stay.",
}
NAMES_IN_A_NOTE = 5  # that travels in a cookie, which holds 4,096 bytes
NAMES_SHOWN = 25  # of everybody on a list; who was ticked is listed in full


@dataclass(frozen=True)
class Spared:
    """Someone who cannot be part of it, and why, after a colon."""

    user: UserRow
    why: str


@dataclass(frozen=True)
class Batch:
    """The selection at this moment. ``spared`` are those who cannot be part of it."""

    selection: Selection
    ids: list[int]
    stamp: str
    people: list[UserRow]
    strays: list[Stray]
    spared: list[Spared] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.ids)

    @property
    def more(self) -> int:
        """How many are not named."""
        return self.count - len(self.people)

    @property
    def hidden(self) -> dict[str, Any]:
        """The selection as fields of a form; who was ticked is in its boxes."""
        selection = self.selection
        fields: dict[str, Any] = {"list": urlencode(selection.filters.params())}
        if selection.everyone:
            fields |= {"scope": "all", "stamp": self.stamp, "without": pack(selection.without)}
            if selection.first is not None:
                fields["first"] = selection.first
        return fields

    @property
    def why_nobody(self) -> list[str]:
        """Sentences on those who were selected and cannot be part of it."""
        words = [f"{stray.name} is {stray.status} by now." for stray in self.strays]
        words += [f"{spared.user.name}: {spared.why}" for spared in self.spared]
        more = len(words) - NAMES_IN_A_NOTE
        return (
            [*words[:NAMES_IN_A_NOTE], f"{more:,} others cannot be part of it either."] if more > 1 else words
        )

    def list_url(self, slug: str) -> str:
        """The list it was made on, with the same people selected as far as an address can hold them."""
        choice: dict[str, Any] = {}  # parameters of the address
        if self.selection.everyone:
            choice["select"] = "all"
        elif len(self.ids) <= MAX_KEPT:
            choice["keep"] = pack(self.ids)
        return url_for("users.index", contract=slug, **(self.selection.filters.params() | choice))


def batch_of(selection: Selection, directory: Directory) -> Batch:
    """The batch that would be activated. Raises ``UnknownUsers``."""
    found = find(db.session(), selection, directory)
    return _batch(selection, found, directory)


def sparing_batch_of(selection: Selection, directory: Directory, access: Access) -> Batch:
    """The batch that would be deactivated, without those whom this person may not. Raises ``UnknownUsers``."""
    session = db.session()
    found = find(session, selection, directory)
    reasons = protected(
        session,
        found.ids,
        directory,
        by_user_id=access.user.id,
        permissions=access.permissions,
    )
    rest = Found([user for user in found.ids if user not in reasons], found.strays)
    spared = rows_of(session, list(reasons)[:NAMES_SHOWN], directory)
    return _batch(selection, rest, directory, [Spared(row, SPARED_WORDS[reasons[row.id]]) for row in spared])


def _batch(
    selection: Selection, found: Found, directory: Directory, spared: list[Spared] | None = None
) -> Batch:
    shown = found.ids[:NAMES_SHOWN] if selection.everyone else found.ids
    people = rows_of(db.session(), shown, directory)
    return Batch(selection, found.ids, found.stamp, people, found.strays, spared or [])
