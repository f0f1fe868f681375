"""Finding users: the slice of a filtered, sorted list, in a constant number of statements.

Each order is that of an index, so a page costs the index entries before it, counted from the nearer end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from webapp.core.match_keys import match_key
from webapp.core.models import Person, User, UserRole, UserTeam, db
from webapp.people.directory import leaver_conditions
from webapp.people.directory.counts import status_counts
from webapp.people.directory.directory import Directory
from webapp.people.directory.filters import ANY, NONE, Filters
from webapp.web.paging import Page, page_of

PROBE = 1_000  # matches that one statement finds and counts; only where there are more, another counts them

Where = list[sa.ColumnElement[bool]]


@dataclass(frozen=True)
class Order:
    """What a list is sorted by. Users without a value in the first column stand at its end."""

    columns: tuple[sa.ColumnElement[Any] | InstrumentedAttribute[Any], ...]
    downwards: bool
    gaps: bool = False

    def clauses(self, *, turned: bool = False) -> list[sa.ColumnElement[Any]]:
        """For ORDER BY; ``turned`` is the same list from its end, which the same index serves."""
        down = self.downwards != turned
        clauses: list[sa.ColumnElement[Any]] = [
            column.desc() if down else column.asc() for column in self.columns
        ]
        if self.gaps:
            clauses[0] = sa.nulls_first(clauses[0]) if down else sa.nulls_last(clauses[0])
        return clauses


def page_of_users(filters: Filters, directory: Directory) -> tuple[list[int], Page]:
    """The IDs on the page that the request asks for, in order, and that page."""
    session = db.session()
    where = matching(session, filters, directory)
    order = ordering(filters, directory)
    if not filters.narrowed:
        page = page_of(status_counts(directory.contract_id)[filters.status])
        return _slice(session, where, order, page), page
    first = session.scalars(sa.select(User.id).where(*where).order_by(*order.clauses()).limit(PROBE)).all()
    page = page_of(len(first)) if len(first) < PROBE else page_of(count_of(session, filters, directory))
    if page.last <= len(first):
        return list(first[page.offset : page.last]), page
    return _slice(session, where, order, page), page


def count_of(session: Session, filters: Filters, directory: Directory) -> int:
    """How many users ``filters`` match."""
    where = matching(session, filters, directory)
    return session.scalar(sa.select(sa.func.count()).select_from(User).where(*where)) or 0


def _slice(session: Session, where: Where, order: Order, page: Page) -> list[int]:
    """The IDs on ``page``; from the middle on they are read from the end."""
    statement = sa.select(User.id).where(*where).limit(page.last - page.offset)
    if page.offset <= page.total // 2:
        return list(session.scalars(statement.order_by(*order.clauses()).offset(page.offset)))
    turned = statement.order_by(*order.clauses(turned=True)).offset(page.total - page.last)
    return list(session.scalars(turned))[::-1]


def matching(session: Session, filters: Filters, directory: Directory) -> Where:
    """The conditions that ``filters`` mean, for a statement on users."""
    where = [User.contract_id == directory.contract_id, User.status == filters.status]
    needle = match_key(filters.q)
    if needle:
        where.append(_holds(session, needle))
    if filters.platform:
        where.append(_linked(directory.integrations[filters.platform]))
    if filters.missing:
        wanted = [
            integration
            for key, integration in directory.integrations.items()
            if filters.missing in (ANY, key)
        ]
        where.append(User.id.in_(_gone(wanted)))
    if filters.gone:
        where += leaver_conditions.conditions(session, filters.gone, directory)
    if filters.team:
        where.append(_has(UserTeam.user_id, UserTeam.team_id, filters.team, directory.with_below))
    if filters.role:
        where.append(_has(UserRole.user_id, UserRole.role_id, filters.role, lambda role: {role}))
    return where


def ordering(filters: Filters, directory: Directory) -> Order:
    """What to sort by. Only active users have roles; by role, all others are sorted by name."""
    name, downwards = filters.sort.removeprefix("-"), filters.sort.startswith("-")
    if name == "username":
        return Order((User.username_key, User.id), downwards)
    if name == "email":
        return Order((User.email_key, User.id), downwards, gaps=True)
    if name == "since":
        return Order((User.status_since, User.id), downwards)
    if name == "gone" and filters.gone:
        return Order((leaver_conditions.missing_since(), User.id), downwards, gaps=True)
    if name == "role" and filters.status == "active" and directory.roles:
        return Order((_first_role(directory), User.search_key, User.id), downwards, gaps=True)
    return Order((User.search_key, User.id), downwards)


def _holds(session: Session, needle: str) -> sa.ColumnElement[bool]:
    """Whether the search text holds ``needle`` literally, in the way that is quickest on each database."""
    if session.get_bind().dialect.name == "sqlite":
        return User.search_key.contains(needle, autoescape=True)
    return sa.func.strpos(User.search_key, needle) > 0


def _linked(integration_id: int) -> sa.ColumnElement[bool]:
    """Whether a user is known there. Most are, so each is looked up: a list of all of them would be long."""
    person = sa.select(Person.user_id).where(
        Person.user_id == User.id, Person.integration_id == integration_id
    )
    return person.correlate(User).exists()


def _gone(integration_ids: list[int]) -> sa.Select[int | None]:
    """The users whose person there is gone: few, so their list is made first."""
    return sa.select(Person.user_id).where(
        Person.integration_id.in_(integration_ids), Person.missing_since.is_not(None)
    )


def _has(
    owner: InstrumentedAttribute[int],
    thing: InstrumentedAttribute[int],
    value: str,
    wanted: Callable[[int], set[int]],
) -> sa.ColumnElement[bool]:
    """Whether a user has one of the wanted roles or teams, or, for "none", none at all."""
    if value == NONE:
        return ~sa.select(owner).where(owner == User.id).correlate(User).exists()
    return User.id.in_(sa.select(owner).where(thing.in_(sorted(wanted(int(value))))))


def _first_role(directory: Directory) -> sa.ColumnElement[Any]:
    """The place of a user's first role in the roles' order, or what sorts the same."""
    ids = [role.id for role in directory.roles]
    if ids == sorted(ids):  # as in every contract whose roles were made in their order
        place: sa.ColumnElement[Any] = sa.func.min(UserRole.role_id)  # the first entry of an index
    else:
        places = {role: place for place, role in enumerate(ids)}
        place = sa.func.min(sa.case(places, value=UserRole.role_id, else_=len(places)))
    return sa.select(place).where(UserRole.user_id == User.id).scalar_subquery()
