"""What a sync wrote: the rows that differ between a database before it and after it, as bare statements."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import sqlalchemy as sa

from bench.databases import connect
from bench.floor import Write
from webapp.core.models import db

Row = tuple[Any, ...]


def written(before: str, after: str) -> list[Write]:
    """The statements that make the database at ``before`` hold what the one at ``after`` holds.

    One INSERT a table for all its new rows, one UPDATE for all its changed ones, with the columns that differ
    in at least one row; tables that others refer to first.
    """
    mark = "?" if before.startswith("sqlite") else "%s"
    writes = []
    with closing(connect(before)) as old, closing(connect(after)) as new:
        for table in db.metadata.sorted_tables:
            was, now = _rows(old, table), _rows(new, table)
            name = str(table.name)
            names = [f'"{column.name}"' for column in table.columns]
            keys = [f'"{column.name}"' for column in table.primary_key]
            added = [row for key, row in now.items() if key not in was]
            changed = [(was[key], row) for key, row in now.items() if key in was and was[key] != row]
            if added:
                marks = ", ".join([mark] * len(names))
                writes.append(Write(name, f"INSERT INTO {name} ({', '.join(names)}) VALUES ({marks})", added))
            if changed:
                writes.append(_update(name, names, keys, changed, mark))
    return writes


def _rows(connection: Any, table: sa.Table) -> dict[Row, Row]:
    """All rows of a table by primary key."""
    names = [column.name for column in table.columns]
    places = [names.index(column.name) for column in table.primary_key]
    cursor = connection.cursor()
    listed = ", ".join(f'"{name}"' for name in names)
    cursor.execute(f"SELECT {listed} FROM {table.name}")
    return {tuple(row[place] for place in places): tuple(row) for row in cursor.fetchall()}


def _update(
    table: str, names: Sequence[str], keys: Sequence[str], changed: Sequence[tuple[Row, Row]], mark: str
) -> Write:
    differing = [
        place for place in range(len(names)) if any(old[place] != new[place] for old, new in changed)
    ]
    values = ", ".join(f"{names[place]} = {mark}" for place in differing)
    condition = " AND ".join(f"{key} = {mark}" for key in keys)
    places = [*differing, *(names.index(key) for key in keys)]
    rows = [tuple(new[place] for place in places) for _, new in changed]
    return Write(table, f"UPDATE {table} SET {values} WHERE {condition}", rows)
