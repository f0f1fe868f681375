"""Reading what User sync knows, in statements that grow with people / batch and not with people."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, aliased

from webapp.core.match_keys import match_key
from webapp.core.models import Integration, Person, User, is_here
from webapp.platforms.base import Person as Listed
from webapp.sync.plan.types import Known, Rule, UserHere

LOOKUP_CHUNK = 500  # values in one IN list; SQLite allows 32,766
LOOKUP_LIMIT = 5_000  # people; from here on reading everybody at once is cheaper

Item = TypeVar("Item")


def chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """``items`` in slices of at most ``size``."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


@dataclass(frozen=True)
class Memory:
    """Everybody of an integration who is remembered, by the revision of their record there.

    ``settled`` (revision → person ID) need nothing while their record is the same: they are linked, listed and
    called here as there. ``others`` (revision, person ID) are looked at by every run. ``listed``: how many people
    the last good run found listed; ``linked``: how many of them are users here. ``winners``: the contract's other
    integrations whose names win over theirs. ``link_changes`` tells whether somebody changed links since.
    """

    settled: dict[bytes, int]
    others: list[tuple[bytes, int]]
    listed: int
    linked: int
    winners: list[int]
    link_changes: int = 0


@contextmanager
def remembering(engine: sa.Engine, integration_id: int) -> Iterator[Callable[[], Memory]]:
    """Read what is remembered while the block waits for the platform. Whoever calls for it waits until it is there."""

    def read() -> Memory:
        with engine.connect() as connection:
            return remember(connection, integration_id)

    with ThreadPoolExecutor(1, thread_name_prefix="remember") as reader:
        yield reader.submit(read).result


def remember(connection: sa.Connection, integration_id: int) -> Memory:
    """What is remembered of an integration's people, however many, in two statements."""
    # before all else: whoever changes a link from now on is noticed
    link_changes, winners = _links_and_winners(connection, integration_id)
    named = sa.or_(
        Person.name == "",
        Person.name == sa.func.trim(User.name),
        _named_elsewhere(winners, Person.user_id),
    )
    gone, settled, other = range(3)
    standing = sa.case(
        (Person.missing_since.is_not(None), gone),
        (sa.and_(Person.user_id.is_not(None), Person.outcome == "linked", named), settled),
        else_=other,
    )
    rows = connection.execute(
        sa.select(Person.revision, Person.id, standing, Person.user_id.is_not(None))
        .outerjoin(User, User.id == Person.user_id)
        .where(Person.integration_id == integration_id)
    ).all()
    memory = Memory(
        {},
        [],
        sum(row[2] != gone for row in rows),
        sum(row[2] != gone and row[3] for row in rows),
        winners,
        link_changes,
    )
    for revision, person_id, stands, _ in rows:
        if stands == settled:
            memory.settled[revision] = person_id
        else:
            memory.others.append((revision, person_id))
    return memory


_OTHER = aliased(Integration)  # once: making an alias takes longer than the question


def _links_and_winners(connection: sa.Connection, integration_id: int) -> tuple[int, list[int]]:
    """How often links were changed by hand, and the contract's other integrations whose names win over these."""
    rows = connection.execute(
        sa.select(Integration.link_changes, _OTHER.id)
        .outerjoin(
            _OTHER,
            sa.and_(
                _OTHER.contract_id == Integration.contract_id,
                sa.tuple_(_OTHER.name_rank, _OTHER.id) < sa.tuple_(Integration.name_rank, Integration.id),
            ),
        )
        .where(Integration.id == integration_id)
    ).all()
    winners: list[int | None] = [winner for _, winner in rows]
    return rows[0][0], [winner for winner in winners if winner is not None]


def _named_elsewhere(winners: Sequence[int], user_id: InstrumentedAttribute[Any]) -> sa.ColumnElement[bool]:
    """Whether one of the integrations ``winners`` lists the user and has a name for them."""
    if not winners:
        return sa.false()
    other = aliased(Person)
    return (
        sa.select(other.id)
        .where(
            other.integration_id.in_(winners),
            other.user_id == user_id,
            other.outcome == "linked",
            other.missing_since.is_(None),
            other.name != "",
        )
        .exists()
    )


def known_people(
    connection: sa.Connection, integration_id: int, ids: Collection[int], winners: Sequence[int] = ()
) -> list[Known]:
    """The people ``ids`` of an integration as we know them, with the users they are linked to."""
    if not ids:
        return []
    statement = _known_statement(integration_id, winners)
    if len(ids) > LOOKUP_LIMIT:
        wanted = frozenset(ids)
        return [_known(row) for row in connection.execute(statement) if row.id in wanted]
    return [_known(row) for row in connection.execute(statement.where(Person.id.in_(sorted(ids))))]


def _known_statement(integration_id: int, winners: Sequence[int]) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(
            Person.id,
            Person.remote_id,
            Person.name,
            Person.email,
            Person.user_id,
            User.name.label("user_name"),
            Person.missing_since,
            _named_elsewhere(winners, Person.user_id).label("named_elsewhere"),
        )
        .select_from(Person)
        .outerjoin(User, User.id == Person.user_id)
        .where(Person.integration_id == integration_id)
    )


def _known(row: Any) -> Known:
    return Known(
        person_id=row.id,
        remote_id=row.remote_id,
        name=row.name or row.email or row.remote_id,
        email=row.email,
        user_id=row.user_id,
        user_name=row.user_name,
        missing=row.missing_since is not None,
        named_elsewhere=bool(row.named_elsewhere),
    )


def lists_settled(
    connection: sa.Connection, integration_id: int, remote_ids: Sequence[str], looked_at: Container[int]
) -> bool:
    """Whether one of ``remote_ids`` is remembered, and not as one of the people who are ``looked_at``."""
    statement = sa.select(Person.id, Person.remote_id).where(Person.integration_id == integration_id)
    if len(remote_ids) > LOOKUP_LIMIT:
        wanted = set(remote_ids)
        rows = connection.execute(statement.execution_options(yield_per=5000))
        return any(row.remote_id in wanted and row.id not in looked_at for row in rows)
    return any(
        row.id not in looked_at
        for chunk in chunks(remote_ids, LOOKUP_CHUNK)
        for row in connection.execute(statement.where(Person.remote_id.in_(chunk)))
    )


def users_for(
    connection: sa.Connection,
    contract_id: int,
    integration_id: int,
    strangers: Sequence[Listed],
    rule: Rule,
    winners: Sequence[int] = (),
) -> list[UserHere]:
    """Every user that one of ``strangers`` could match or was decided to be, or whose username stands in the way."""
    if not strangers:
        return []
    link = (
        sa.select(Person.user_id, Person.remote_id)
        .where(Person.integration_id == integration_id, Person.user_id.is_not(None))
        .subquery()
    )
    statement = (
        sa.select(
            User.id,
            User.name,
            User.username_key,
            User.email_key,
            User.third_party_key,
            User.status,
            link.c.remote_id.label("linked_to"),
            _named_elsewhere(winners, User.id).label("named_elsewhere"),
        )
        .outerjoin(link, link.c.user_id == User.id)
        .where(User.contract_id == contract_id, is_here())
    )
    if len(strangers) > LOOKUP_LIMIT:
        return [_user_here(row) for row in connection.execute(statement)]
    values = _lookup_values(strangers, rule.identifier_column)
    found: dict[int, UserHere] = {}
    decided = {decision.user_id for decision in rule.decisions.values() if decision.user_id is not None}
    for ids in chunks(sorted(decided), LOOKUP_CHUNK):
        for row in connection.execute(statement.where(User.id.in_(ids))):
            found[row.id] = _user_here(row)
    for chunk in chunks(sorted(values), LOOKUP_CHUNK):
        for key in (User.username_key, User.email_key, User.third_party_key):
            for row in connection.execute(statement.where(key.in_(chunk))):
                found[row.id] = _user_here(row)
    return list(found.values())


def _lookup_values(strangers: Sequence[Listed], column: str | None) -> set[str]:
    values: set[str] = set()
    for person in strangers:
        wanted = [person.username, person.email, person.remote_id]
        if column is not None:
            wanted.append(person.columns.get(column))
        values.update(key for key in map(match_key, wanted) if key)
    return values


def _user_here(row: Any) -> UserHere:
    return UserHere(
        user_id=row.id,
        name=row.name,
        username_key=row.username_key,
        email_key=row.email_key,
        third_party_key=row.third_party_key,
        linked_to=row.linked_to,
        inactive=row.status == "inactive",
        named_elsewhere=bool(row.named_elsewhere),
    )
