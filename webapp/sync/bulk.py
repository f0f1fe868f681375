"""Many rows into one table, straight through the driver's ``executemany``.

SQLAlchemy's own bulk insert prepares each value of each row in Python, which for a first import costs more
than the writing itself. Here each column's bind processor is looked up once, and values that are the same
in all rows are converted once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa


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


def _processor(table: sa.Table, name: str, dialect: sa.Dialect) -> Callable[[Any], Any] | None:
    kind = table.c[name].type
    found: Callable[[Any], Any] | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return found


def _processed(row: Sequence[Any], processors: Sequence[tuple[int, Callable[[Any], Any]]]) -> list[Any]:
    values = list(row)
    for place, processor in processors:
        values[place] = processor(values[place])
    return values
