"""No statement of the product reads or changes rows of a contract without saying of which, but the few named here.

Every SELECT, UPDATE and DELETE that a test makes the product send is looked at, whoever asked for it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BinaryExpression, ColumnClause, Grouping
from sqlalchemy.sql.selectable import Alias, FromClause, Join

from tests.servers.processes import ROOT

# What is for every contract at once, and why: module below webapp/ and function.
OF_ALL = {
    # what is old is forgotten by the tick
    "notifications/mail/delivery tidy",
    "integrations/connection/connect begin",
    "integrations/why/answer tidy",
    "sync/run/preview forget_old",
    "sync/schedule/retention remove_old_lines",
    "people/uploads/store tidy",
    "notifications/webhooks/delivery tidy",
    # workers and the tick look for what is due or waits, whose ever it is
    "jobs/functions _anything_waits",
    "notifications/incidents/announce announce",
    "notifications/incidents/reminders remind",
    "notifications/outbox any_due",
    "notifications/outbox take",
    "integrations/why/answer waiting",
    "people/merges/find_duplicates _next_wanted",
    "sync/schedule/schedule _recover",
    "sync/schedule/pick_order _big_running",
    "sync/schedule/pick_order waiting",
    # the status pages say how much is in work in all
    "integrations/runs/processes worked_on",
    # tries at emails without an account belong to no contract
    "accounts/sign_in/audit _noted_lately",
    # the secret of a link says whose it is
    "people/invitations/accept _judged",
    # commands of who runs the server
    "accounts/sign_in/admin had_email",
    "operations/backup/marking _compare_what_comes",
    "operations/backup/marking _end_what_was_under_way",
    "operations/backup/marking _send_nothing_twice",
    "operations/backup/marking _end_what_opens_something",
    "commands/account _slugs",
    "commands/contract _rows",
    "commands/credentials rotate",
    "a test",
}
JOINING = (operators.eq, operators.in_op, operators.is_not_distinct_from)


def unscoped(statement: Any) -> set[str]:
    """The tables with a ``contract_id`` in a SELECT, UPDATE or DELETE that nothing ties to one contract or one row.

    A table is tied by comparing its contract, its own key or a foreign key with a value, or with such a column of one
    that is tied itself. One side of an OR is enough: this finds what was forgotten, not what is wrong.
    """
    if not isinstance(statement, (sa.Select, sa.CompoundSelect, sa.Update, sa.Delete)):
        return set()
    parts = list(visitors.iterate(statement))
    tied: set[FromClause] = set()
    pairs: list[tuple[FromClause, FromClause]] = []
    for part in parts:
        if isinstance(part, BinaryExpression) and part.operator in JOINING:
            left, right = list(_keys(part.left)), list(_keys(part.right))
            if left and right:
                pairs += [(one, other) for one in left for other in right]
            else:
                tied.update(left or right)
    while grown := {b for a, b in pairs if a in tied} | {a for a, b in pairs if b in tied}:
        if grown <= tied:
            break
        tied |= grown
    tables = {table for part in parts for table in _tables(part)}
    return {_base(table).name for table in tables if "contract_id" in table.c and table not in tied}


def _base(table: Any) -> Any:
    return table.element if isinstance(table, Alias) else table


def _tables(part: Any) -> Iterator[Any]:
    """The tables and their aliases that a statement names itself, not in a subquery."""
    if isinstance(part, sa.Select):
        for source in part.get_final_froms():
            yield from _within(source)
    elif isinstance(part, (sa.Update, sa.Delete)):
        yield part.table


def _within(source: Any) -> Iterator[Any]:
    if isinstance(source, Join):
        yield from _within(source.left)
        yield from _within(source.right)
    elif isinstance(source, (sa.Table, Alias)) and isinstance(_base(source), sa.Table):
        yield source


def _keys(side: Any) -> Iterator[Any]:
    """The tables of the key columns on one side of a comparison: a contract, the row itself, or another row."""
    if isinstance(side, Grouping):
        side = side.element
    columns = side.clauses if isinstance(side, sa.sql.elements.Tuple) else [side]
    for column in columns:
        if isinstance(column, ColumnClause) and column.table is not None:
            own = getattr(column, "primary_key", False) or getattr(column, "foreign_keys", ())
            if own or column.name == "contract_id":
                yield column.table


class Unscoped(Exception):
    """A statement of the product names neither a contract nor a row of one."""


@contextmanager
def scoped_statements() -> Iterator[None]:
    """Inside, such a statement raises :class:`Unscoped`."""

    def look(_connection: Any, _cursor: Any, text: str, _values: Any, context: Any, _many: bool) -> None:
        compiled = getattr(context, "compiled", None)
        if compiled is None:
            return
        known = compiled.__dict__  # it is kept and used again, so each statement is judged once
        if "unscoped" not in known:
            known["unscoped"] = unscoped(compiled.statement)
        if known["unscoped"] and (sender := _sender()) not in OF_ALL:
            raise Unscoped(f"{sender}: {', '.join(sorted(known['unscoped']))} of every contract: {text}")

    event.listen(sa.Engine, "before_cursor_execute", look)
    try:
        yield
    finally:
        event.remove(sa.Engine, "before_cursor_execute", look)


def _sender() -> str:
    """Which function of the product sends a statement, or that a test does so itself."""
    frame = sys._getframe(2)
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(f"{ROOT}/webapp/") and not path.endswith("webapp/core/database.py"):
            return f"{path.removeprefix(f'{ROOT}/webapp/').removesuffix('.py')} {frame.f_code.co_name}"
        if path.startswith(f"{ROOT}/tests/") and not path.startswith(f"{ROOT}/tests/servers/"):
            return "a test"
        frame = frame.f_back
    return "a test"
