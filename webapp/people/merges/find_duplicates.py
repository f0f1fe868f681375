"""Users who look like one human: found on keys with one statement, kept as pairs for somebody to decide about."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.database import rows_changed, writing
from webapp.core.models import (
    Contract,
    Integration,
    MergeProposal,
    Person,
    User,
    UserSync,
    is_here,
    table_of,
    utcnow,
)
from webapp.sync.plan.load_known import LOOKUP_CHUNK, chunks

EMAIL, IDENTIFIER, NAME = "email", "identifier", "name"  # kinds of evidence, the strongest first
STRONG = frozenset({EMAIL, IDENTIFIER})
SHARED_COLUMNS = ("external_id", "alias")  # columns in which platforms keep what a person is called elsewhere
BUSY_FOR = 45.0  # seconds one job looks, then the next job goes on
ALL_PAIRS = 8  # people with one key; of more, each is paired with the first alone

Pair = tuple[int, int]


def wanted(session: Session) -> bool:
    """Whether a run changed somebody and nobody has looked since."""
    return bool(session.scalar(sa.select(sa.exists().where(UserSync.doubles_wanted_at.is_not(None)))))


def want(session: Session, contract_id: int) -> None:
    """Have the contract looked through soon, where it syncs at all. Call inside a write transaction."""
    rows_changed(
        session,
        sa.update(UserSync)
        .where(
            UserSync.integration_id.in_(
                sa.select(Integration.id).where(Integration.contract_id == contract_id)
            )
        )
        .values(doubles_wanted_at=utcnow()),
    )


def find_wanted(engine: sa.Engine) -> int:
    """Look in the contracts where it is wanted, the longest waiting first, until time is up; in how many.

    Apart from the run, which is over by then: with very many users it takes seconds. Each is ticked off before, so
    that no two workers look at once and one that cannot be looked through does not stop the others.
    """
    looked, until = 0, time.monotonic() + BUSY_FOR
    while time.monotonic() < until and (contract_id := _next_wanted(engine)) is not None:
        find(engine, contract_id)
        looked += 1
    return looked


def _next_wanted(engine: sa.Engine) -> int | None:
    with writing(), engine.begin() as connection:
        contract_id = connection.scalar(
            sa.select(Integration.contract_id)
            .join(UserSync, UserSync.integration_id == Integration.id)
            .where(UserSync.doubles_wanted_at.is_not(None))
            .order_by(UserSync.doubles_wanted_at)
            .limit(1)
            .with_for_update(of=UserSync, skip_locked=True)
        )
        if contract_id is None:
            return None
        connection.execute(
            sa.update(UserSync)
            .where(
                UserSync.doubles_wanted_at.is_not(None),
                UserSync.integration_id.in_(
                    sa.select(Integration.id).where(Integration.contract_id == contract_id)
                ),
            )
            .values(doubles_wanted_at=None)
        )
        return int(contract_id)


def find(engine: sa.Engine, contract_id: int) -> int:
    """Bring the contract's proposals up to date; how many are open. What was dismissed stays so."""
    with engine.connect() as connection:
        found = _found(connection, contract_id)
    with writing(), engine.begin() as connection:
        _keep(connection, contract_id, found)
    return len(found)


def _found(connection: sa.Connection, contract_id: int) -> dict[Pair, set[str]]:
    """Every pair that shares a key and could be one human, with the kinds of evidence."""
    groups: dict[tuple[str, str], dict[int, bool]] = defaultdict(dict)
    for kind, key, user_id, foreign in connection.execute(_shared(connection, contract_id)):
        group = groups[kind, key]
        group[user_id] = group.get(user_id, False) or bool(foreign)
    pairs: dict[Pair, set[str]] = defaultdict(set)
    for (kind, _), group in groups.items():
        for pair in _pairs(group):
            if kind != IDENTIFIER or group[pair[0]] or group[pair[1]]:
                pairs[pair].add(kind)
    apart = _apart(connection, {user_id for pair in pairs for user_id in pair})
    return {pair: kinds for pair, kinds in pairs.items() if not apart[pair[0]] & apart[pair[1]]}


def _pairs(user_ids: Iterable[int]) -> Iterator[Pair]:
    ordered = sorted(user_ids)
    if len(ordered) <= ALL_PAIRS:
        yield from combinations(ordered, 2)
    else:
        yield from ((ordered[0], other) for other in ordered[1:])


def _shared(connection: sa.Connection, contract_id: int) -> sa.Select[*tuple[Any, ...]]:
    """``(kind, key, user, foreign)`` of every key that more than one user has.

    ``foreign``: it stands where a platform keeps the IDs of others. Two IDs of two platforms that are equal by
    chance say nothing, so one of the two has to be of that kind.
    """
    keys = sa.union_all(*_keys(connection, contract_id)).cte("keys")
    several = (
        sa.select(keys.c.kind, keys.c.key)
        .group_by(keys.c.kind, keys.c.key)
        .having(sa.func.min(keys.c.user_id) < sa.func.max(keys.c.user_id))
        .subquery()
    )
    return sa.select(keys.c.kind, keys.c.key, keys.c.user_id, keys.c.foreign).join(
        several, sa.and_(several.c.kind == keys.c.kind, several.c.key == keys.c.key)
    )


def _keys(connection: sa.Connection, contract_id: int) -> Iterator[sa.Select[*tuple[Any, ...]]]:
    here = (User.contract_id == contract_id, is_here())

    def of_users(kind: str, key: Any, *conditions: Any) -> sa.Select[*tuple[Any, ...]]:
        return _keyed(kind, key, User.id).where(*here, *conditions)

    def of_people(kind: str, key: Any, *, foreign: bool = False) -> sa.Select[*tuple[Any, ...]]:
        text = sa.func.lower(sa.func.trim(key))
        return _keyed(kind, text, Person.user_id, foreign).where(
            Person.contract_id == contract_id, Person.user_id.is_not(None), key.is_not(None), text != ""
        )

    yield of_users(EMAIL, User.email_key, User.email_key.is_not(None))
    yield of_users(EMAIL, User.username_key, User.username_key.contains("@"))
    yield of_people(EMAIL, Person.email)
    yield of_users(IDENTIFIER, User.third_party_key, User.third_party_key.is_not(None))
    yield of_users(IDENTIFIER, User.username_key)
    yield of_people(IDENTIFIER, Person.remote_id)
    for column in _columns(connection, contract_id):
        yield of_people(IDENTIFIER, Person.attributes["columns"][column].as_string(), foreign=True)
    at = _place_of_at(connection)
    name = sa.func.replace(sa.func.replace(User.name_key, "  ", " "), "  ", " ")
    yield of_users(
        NAME, name + "\n" + sa.func.substr(User.email_key, at), User.email_key.is_not(None), at > 0
    )


def _keyed(kind: str, key: Any, user_id: Any, foreign: bool = False) -> sa.Select[*tuple[Any, ...]]:
    return sa.select(
        sa.literal_column(f"'{kind}'").label("kind"),
        key.label("key"),
        user_id.label("user_id"),
        sa.literal_column("1" if foreign else "0").label("foreign"),
    )


def _place_of_at(connection: sa.Connection) -> Any:
    position = sa.func.instr if connection.dialect.name == "sqlite" else sa.func.strpos
    return position(User.email_key, "@")


def _columns(connection: sa.Connection, contract_id: int) -> list[str]:
    """The columns in which a platform may hold what identifies a person elsewhere."""
    chosen = connection.scalars(
        sa.select(UserSync.identifier_column)
        .join(Integration, Integration.id == UserSync.integration_id)
        .where(Integration.contract_id == contract_id, UserSync.identifier_column.is_not(None))
    )
    return sorted({*SHARED_COLUMNS, *(column for column in chosen if column)} - {"email"})


def _apart(connection: sa.Connection, user_ids: Iterable[int]) -> defaultdict[int, set[int]]:
    """By user what no other of a pair may have too: integrations that list them, and 0 for a sign-in account."""
    apart: defaultdict[int, set[int]] = defaultdict(set)
    for ids in chunks(sorted(user_ids), LOOKUP_CHUNK):
        listed = connection.execute(
            sa.select(Person.user_id, Person.integration_id).where(
                Person.user_id.in_(ids), Person.missing_since.is_(None)
            )
        )
        for user_id, integration_id in listed:
            apart[user_id or 0].add(integration_id)
        for user_id in connection.scalars(
            sa.select(User.id).where(User.id.in_(ids), User.account_id.is_not(None))
        ):
            apart[user_id].add(0)
    return apart


def _keep(connection: sa.Connection, contract_id: int, found: dict[Pair, set[str]]) -> None:
    """Add new pairs, take away those that are none any more, and write down what speaks for each.

    One at a time for a contract; the lock leaves foreign keys alone.
    """
    connection.execute(
        sa.select(Contract.id).where(Contract.id == contract_id).with_for_update(key_share=True)
    )
    proposals = table_of(MergeProposal)
    rows = connection.execute(
        sa.select(
            proposals.c.id,
            proposals.c.first_id,
            proposals.c.second_id,
            proposals.c.evidence,
            proposals.c.dismissed_at,
        ).where(proposals.c.contract_id == contract_id)
    ).all()
    known = {(row.first_id, row.second_id): row for row in rows}
    gone = [row.id for pair, row in known.items() if pair not in found and row.dismissed_at is None]
    for some in chunks(gone, LOOKUP_CHUNK):
        connection.execute(sa.delete(proposals).where(proposals.c.id.in_(some)))
    now = utcnow()
    here = _still_here(connection, {user_id for pair in found if pair not in known for user_id in pair})
    new, other = [], []
    for pair, kinds in sorted(found.items()):
        evidence = [kind for kind in (EMAIL, IDENTIFIER, NAME) if kind in kinds]
        strong = not STRONG.isdisjoint(kinds)
        if pair not in known:
            if not here.issuperset(pair):
                continue
            ids = {"contract_id": contract_id, "first_id": pair[0], "second_id": pair[1]}
            new.append(ids | {"evidence": evidence, "strong": strong, "found_at": now})
        elif known[pair].evidence != evidence:
            other.append({"row": known[pair].id, "now": evidence, "strength": strong})
    for batch in chunks(new, LOOKUP_CHUNK):
        connection.execute(sa.insert(proposals), list(batch))
    if other:
        connection.execute(
            sa.update(proposals)
            .where(proposals.c.id == sa.bindparam("row"))
            .values(evidence=sa.bindparam("now"), strong=sa.bindparam("strength")),
            other,
        )


def _still_here(connection: sa.Connection, user_ids: Iterable[int]) -> set[int]:
    """Those who were not merged or removed since they were found; nobody removes them before the transaction ends."""
    here: set[int] = set()
    for ids in chunks(sorted(user_ids), LOOKUP_CHUNK):
        here.update(
            connection.scalars(
                sa.select(User.id)
                .where(User.id.in_(ids), is_here())
                .with_for_update(read=True, key_share=True)
            )
        )
    return here
