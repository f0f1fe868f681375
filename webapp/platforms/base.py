"""What a platform must offer, the plain values it yields, and the errors User sync reacts to.

::

    ConnectorError
    ├── AccessDenied   401 or 403: stop, mark the connection broken, do not retry
    │   └── Forbidden  403: the token is good, but not for this
    ├── WrongAccount   the token belongs to another account than the one connected
    ├── Unavailable    timeouts, refused connections, 5xx, 429 that did not pass
    └── BadResponse    an answer we do not understand: stop, nothing is believed
        └── NotFound   404: there is no such thing
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Sequence
from datetime import datetime
from typing import Protocol

import msgspec


class Person(msgspec.Struct, frozen=True):
    """One human as the platform describes them.

    ``revision`` (16 bytes) digests the platform's record: the same revision promises the same person.
    ``columns`` are the values a primary identifier can be chosen from, as text, by column name.
    ``team`` is the team's or role's name there, for people to read. ``types`` are the keys of the
    :class:`UserType` values that apply to them.
    """

    remote_id: str
    revision: bytes
    name: str | None = None
    email: str | None = None
    username: str | None = None
    team: str | None = None
    columns: dict[str, str] = {}
    types: tuple[str, ...] = ()


class LeftOut(msgspec.Struct, frozen=True):
    """An entry of the list that is no person to import, and the rule that says so."""

    remote_id: str
    name: str
    email: str | None
    reason: str


class UserType(msgspec.Struct, frozen=True):
    """A kind of people that a customer may leave out. ``by_default`` says whether they are imported at first."""

    key: str
    label: str
    by_default: bool = True


class Listing(msgspec.Struct):
    """Everybody the platform listed in one complete read.

    ``found`` counts all entries. ``same`` are revisions that were known already; ``people`` are all others,
    in full; ``left_out`` are entries set aside by the platform's own rules. ``user_types`` are those the
    platform tells apart, empty where it has none.
    """

    found: int
    same: set[bytes]
    people: list[Person]
    left_out: list[LeftOut]
    user_types: list[UserType] = []


class RemoteAccount(msgspec.Struct, frozen=True):
    """The account at the platform that a token opens, and who granted it.

    ``site`` is where the account lives, as the platform tells it (a region, a subdomain), or ``None``.
    """

    id: str
    name: str
    site: str | None
    granted_by: str


class Call(msgspec.Struct, frozen=True):
    """One HTTP call that was made: no query values, no headers, no body."""

    at: datetime
    method: str
    path: str
    status: int | None
    milliseconds: int
    note: str | None = None


class Asking(msgspec.Struct, frozen=True):
    """What a platform is asked for right now: the ``page`` of its list (1 is the first or only one).

    ``pause`` are seconds until it is asked again, ``None`` while an answer is waited for.
    """

    page: int
    pause: float | None = None


class Token(Protocol):
    """What opens the account. Some platforms' tokens end within the hour and are exchanged for new ones."""

    def current(self) -> str:
        """The value to send now. Raises :class:`ConnectorError`."""

    def renewed(self, refused: str) -> bool:
        """Whether there is another value to try now that the platform refused ``refused``.

        Raises :class:`ConnectorError`.
        """


class LastingToken:
    """A token that stays the same until it is revoked."""

    def __init__(self, value: str) -> None:
        self._value = value

    def current(self) -> str:
        return self._value

    def renewed(self, refused: str) -> bool:
        return False


class Connector(Protocol):
    """Reads one connected account. Every method raises :class:`ConnectorError`."""

    def account(self) -> RemoteAccount:
        """Which account the token opens."""

    def people(self, known: Callable[[], Container[bytes]], salt: bytes) -> Listing:
        """Read the complete list. Records whose revision is in ``known()`` are only counted.

        ``known`` is called once, after the list was read: it may still be looked up while the platform answers.

        ``salt`` (up to 64 bytes) goes into every revision: another salt makes every record new.
        """


class ConnectorError(Exception):
    """Reading failed. The text is a sentence for people: what happened, without codes or secrets."""


class AccessDenied(ConnectorError):
    """The platform refused the token, or the token lacks a permission. Reconnecting is the way out."""


class Forbidden(AccessDenied):
    """The token is good, but not for what was asked."""


class WrongAccount(ConnectorError):
    """The token opens another account than the one this contract connected."""


class Unavailable(ConnectorError):
    """The platform did not answer usefully within the tries and waits allowed."""


class BadResponse(ConnectorError):
    """The platform's answer is not what its documentation describes."""


MAX_NAME = 255  # characters
MAX_EMAIL = 254

# What decoding raises for text that is not JSON, not UTF-8, nested without end, or of another shape.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class NotFound(BadResponse):
    """The platform has no such thing."""


Recorder = Callable[[Call], None]
Watcher = Callable[[Asking], None]
Sleep = Callable[[float], None]


def left_out(remote_id: str, name: str | None, email: str | None, kind: str) -> LeftOut:
    """Somebody who is set aside, with what of clean texts can be kept."""
    kept = email if email and len(email) <= MAX_EMAIL else None
    return LeftOut(remote_id, (name or remote_id)[:MAX_NAME], kept, kind)


def list_of(
    records: Sequence[msgspec.Raw],
    known: Container[bytes],
    salt: bytes,
    parse: Callable[[msgspec.Raw, bytes], Person | LeftOut],
    label: str,
    *,
    begins: bytes = b"",
    user_types: Sequence[UserType] = (),
) -> Listing:
    """The list whose entries are ``records`` as the platform called ``label`` sent them.

    ``parse(record, revision)`` reads one that is not ``known``. ``begins`` goes into every revision, as the ``salt``
    does. Raises :class:`BadResponse` when somebody is listed twice, and what ``parse`` raises.
    """
    listing = Listing(len(records), same=set(), people=[], left_out=[], user_types=list(user_types))
    digest = hashlib.blake2b(begins, key=salt, digest_size=16)
    for record in records:
        hashing = digest.copy()
        hashing.update(record)
        revision = hashing.digest()
        if revision in known:
            listing.same.add(revision)
            continue
        entry = parse(record, revision)
        if isinstance(entry, Person):
            listing.people.append(entry)
        else:
            listing.left_out.append(entry)
    ids = {person.remote_id for person in listing.people} | {entry.remote_id for entry in listing.left_out}
    if len(ids) + len(listing.same) != listing.found:
        raise BadResponse(f"{label} listed the same person twice, so the list cannot be trusted.")
    return listing
