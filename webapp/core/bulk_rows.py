"""Many rows at once: into one table straight through the driver's ``executemany``, or changed by one statement.

SQLAlchemy's own bulk insert prepares each value of each row in Python, which for a first import costs more
than the writing itself. Here each column's bind processor is looked up once, and values that are the same
in all rows are converted once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql


def insert_rows(
    connection: sa.Connection,
    table: sa.Table,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    constants: Mapping[str, Any],
    *,
    pass_over: Sequence[str] | None = None,
) -> None:
    """Insert ``rows`` (values in the order of ``columns``), each with the ``constants`` beside them.

    ``pass_over`` names the columns of a unique constraint; rows that would break it are left as they are.
    """
    if not rows:
        return
    dialect = connection.dialect
    names = [*columns, *constants]
    mark = "?" if dialect.paramstyle == "qmark" else "%s"
    listed = ", ".join(table.c[name].name for name in names)
    statement = f"INSERT INTO {table.name} ({listed}) VALUES ({', '.join([mark] * len(names))})"  # noqa: S608
    if pass_over is not None:
        statement += f" ON CONFLICT ({', '.join(table.c[name].name for name in pass_over)}) DO NOTHING"
    fixed = tuple(
        value if processor is None or value is None else processor(value)
        for value, processor in (
            (value, _processor(table, name, dialect)) for name, value in constants.items()
        )
    )
    processors = [
        (place, found) for place, name in enumerate(columns) if (found := _processor(table, name, dialect))
    ]
    if processors:
        rows = [_processed(row, processors) for row in rows]
    connection.exec_driver_sql(statement, [(*row, *fixed) for row in rows])


def listed(connection: sa.Connection, ids: Sequence[int]) -> sa.Select[Any]:
    """``ids`` as rows to select from: one parameter, however many they are."""
    if connection.dialect.name == "sqlite":
        rows = sa.func.json_each(json.dumps(list(ids))).table_valued("value")
        return sa.select(sa.cast(rows.c.value, sa.BigInteger))
    return sa.select(sa.func.unnest(sa.literal(list(ids), postgresql.ARRAY(sa.BigInteger))))


def update_column(
    connection: sa.Connection, key: sa.Column[Any], column: sa.Column[Any], values: Sequence[tuple[int, Any]]
) -> None:
    """Give each row whose ``key`` is named the value beside it, in one statement."""
    table = key.table.name
    change = f"UPDATE {table} SET {column.name} = given.value FROM "  # noqa: S608 - names of ours
    where = f" AS given(key, value) WHERE {table}.{key.name} = given.key"
    if connection.dialect.name == "sqlite":
        convert = _processor(key.table, column.name, connection.dialect)
        rows = json.dumps([[number, convert(value) if convert else value] for number, value in values])
        read = "(SELECT json_extract(value, '$[0]') AS key, json_extract(value, '$[1]') AS value FROM json_each(?))"
        connection.exec_driver_sql(f"{change}{read} AS given WHERE {table}.{key.name} = given.key", (rows,))
        return
    kind = column.type.compile(connection.dialect)
    connection.exec_driver_sql(
        f"{change}unnest(%s::bigint[], %s::{kind}[]){where}",
        ([number for number, _ in values], [value for _, value in values]),
    )


def _processor(table: sa.Table, name: str, dialect: sa.Dialect) -> Callable[[Any], Any] | None:
    kind = table.c[name].type
    found: Callable[[Any], Any] | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return found


def _processed(row: Sequence[Any], processors: Sequence[tuple[int, Callable[[Any], Any]]]) -> list[Any]:
    values = list(row)
    for place, processor in processors:
        values[place] = processor(values[place])
    return values
