"""Who a bulk action is about: ticked users, or everybody that a list's filters match."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import parse_qsl

import sqlalchemy as sa
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from webapp.core.models import User
from webapp.core.numbers import LARGEST, id_in, whole
from webapp.people.directory.directory import Directory
from webapp.people.directory.filters import Filters, read_filters
from webapp.people.directory.query import matching, ordering

MAX_KEPT = 300  # users picked one by one on other pages; they travel in the page's address
MAX_TICKED = 1_000  # users in the boxes of one page
MAX_FIRST = 10**9 - 1  # as many as nobody has
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class UnknownUsers(Exception):
    """At least one ID is not that of a user of this contract, so the whole selection is refused."""


class TooManyKept(Exception):
    """More than :data:`MAX_KEPT` users were picked one by one."""


@dataclass(frozen=True)
class Stray:
    """Someone selected whose status is no longer that of the list they were selected on."""

    id: int
    name: str
    status: str
    since: datetime


@dataclass(frozen=True)
class Selection:
    """Who was selected on the list that ``filters`` describe.

    ``everyone`` means all that match, less those in ``without``; otherwise it is those in ``ids``.
    ``first`` cuts either to so many, in the list's order.
    """

    filters: Filters
    everyone: bool = False
    ids: tuple[int, ...] = ()
    without: tuple[int, ...] = ()
    first: int | None = None


@dataclass(frozen=True)
class Found:
    """The selection as it is now: user IDs in the list's order, and who has strayed from the list."""

    ids: list[int]
    strays: list[Stray]

    @property
    def stamp(self) -> str:
        """Differs when other people are found: how many there are, and the sum of their IDs."""
        return f"{len(self.ids)}.{sum(self.ids)}"


def read_selection(values: MultiDict[str, str], directory: Directory) -> Selection:
    """The selection in a form or an address. Raises :class:`UnknownUsers` for what can be nobody's ID.

    A form names the list it was made on in one field, ``list``: the query of the list's address.
    """
    filters = read_filters(dict(parse_qsl(values["list"])) if "list" in values else values, directory)
    ticked = {_id(text) for text in values.getlist("ids")}
    if len(ticked) > MAX_TICKED:  # no page has so many boxes, and no statement takes any number
        raise UnknownUsers
    first = (values.getlist("first") or [""])[-1]  # a button comes after the field it overrules
    selection = Selection(filters, first=whole(first, most=MAX_FIRST))
    if values.get("scope") == "all":
        unticked = set(unpack(values.get("shown", ""))) - ticked
        without = unticked | set(unpack(values.get("without", "")))
        return replace(selection, everyone=True, without=tuple(sorted(without)))
    return replace(selection, ids=tuple(sorted(ticked | set(unpack(values.get("kept", ""))))))


def find(session: Session, selection: Selection, directory: Directory) -> Found:
    """Who the selection is now. Raises :class:`UnknownUsers` when a ticked ID is not of this contract."""
    order = ordering(selection.filters, directory).clauses()
    if selection.everyone:
        statement = (
            sa.select(User.id).where(*matching(session, selection.filters, directory)).order_by(*order)
        )
        if selection.without:
            statement = statement.where(User.id.not_in(selection.without))
        return Found(list(session.scalars(statement.limit(selection.first))), [])
    rows = session.execute(
        sa.select(User.id, User.name, User.status, User.status_since)
        .where(User.contract_id == directory.contract_id, User.id.in_(selection.ids))
        .order_by(*order)
    ).all()
    if len(rows) != len(selection.ids):
        raise UnknownUsers
    status = selection.filters.status
    return Found(
        [row.id for row in rows if row.status == status][: selection.first],
        [Stray(*row) for row in rows if row.status != status],
    )


def still(session: Session, contract_id: int, status: str, ids: Collection[int]) -> list[int]:
    """Those of ``ids`` who are users of the contract with that status, ascending."""
    if not ids:
        return []
    wanted = sa.select(User.id).where(
        User.contract_id == contract_id, User.status == status, User.id.in_(ids)
    )
    return list(session.scalars(wanted.order_by(User.id)))


def pack(ids: Iterable[int]) -> str:
    """``ids`` as short text for an address or a form: sorted, each as its distance from the one before."""
    parts, last = [], 0
    for number in sorted(set(ids)):
        parts.append(_digits(number - last))
        last = number
    return ".".join(parts)


def unpack(text: str) -> list[int]:
    """The IDs in ``text``. Raises :class:`UnknownUsers` for text that :func:`pack` does not make."""
    ids, last = [], 0
    for part in text.split(".", MAX_KEPT) if text else []:
        if not part.isascii() or not part.isalnum() or len(part) > 13:
            raise UnknownUsers
        last += int(part, 36)
        ids.append(last)
    if last > LARGEST:
        raise UnknownUsers
    return ids


def keep(ids: Iterable[int]) -> str:
    """``ids`` packed for the address of the next page. Raises :class:`TooManyKept`."""
    kept = set(ids)
    if len(kept) > MAX_KEPT:
        raise TooManyKept
    return pack(kept)


def _id(text: str) -> int:
    number = id_in(text)
    if number is None:
        raise UnknownUsers
    return number


def _digits(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = DIGITS[rest] + digits
    return digits or "0"
