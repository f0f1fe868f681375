"""Contracts as if they had been imported already: copies of one that was, row by row, made by the database."""

from __future__ import annotations

import sqlalchemy as sa

from webapp.core.database import write_transaction
from webapp.core.models import Contract, Person, SyncRun, User, UserSync, table_of, utcnow

OWN = (
    "contract_id",
    "integration_id",
    "source_integration_id",
)  # the number of the contract, as the bench numbers them
AT_ONCE = 500  # contracts


def clone(model: int, first: int, last: int) -> None:
    """Give the contracts ``first`` to ``last`` the people, the users and the run of the contract ``model``."""
    for start in range(first, last + 1, AT_ONCE):
        with write_transaction() as session:
            _clone(session.connection(), model, start, min(start + AT_ONCE - 1, last))


def _clone(connection: sa.Connection, model: int, first: int, last: int) -> None:
    new = table_of(Contract).alias("new")
    users, people, runs = table_of(User), table_of(Person), table_of(SyncRun)
    wanted = new.c.id.between(first, last)
    _insert(connection, users, new, sa.and_(users.c.contract_id == model, wanted))

    mine, theirs = users.alias("mine"), users.alias("theirs")
    linked = people.join(theirs, theirs.c.id == people.c.user_id).join(
        mine, sa.and_(mine.c.username_key == theirs.c.username_key, mine.c.contract_id.between(first, last))
    )
    names = [column.name for column in people.columns if column.name != "id"]
    values = [
        mine.c.contract_id if name in OWN else mine.c.id if name == "user_id" else people.c[name]
        for name in names
    ]
    selected = sa.select(*values).select_from(linked).where(people.c.contract_id == model)
    connection.execute(sa.insert(people).from_select(names, selected, include_defaults=False))

    _insert(connection, runs, new, sa.and_(runs.c.contract_id == model, runs.c.state == "completed", wanted))
    syncs, given = table_of(UserSync), table_of(UserSync).alias("given")
    copied = {
        name: sa.select(given.c[name]).where(given.c.integration_id == model).scalar_subquery()
        for name in ("columns_seen", "columns_seen_at", "types_seen", "last_found")
    }
    connection.execute(
        sa.update(syncs)
        .where(syncs.c.integration_id.between(first, last))
        .values(last_success_at=utcnow(), **copied)
    )


def _insert(
    connection: sa.Connection, table: sa.Table, new: sa.FromClause, which: sa.ColumnElement[bool]
) -> None:
    names = [column.name for column in table.columns if column.name != "id"]
    values = [new.c.id if name in OWN else table.c[name] for name in names]
    selected = sa.select(*values).select_from(table.join(new, sa.true())).where(which)
    connection.execute(sa.insert(table).from_select(names, selected, include_defaults=False))
