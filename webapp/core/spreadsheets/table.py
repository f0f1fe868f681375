"""What a file for spreadsheets holds, however many rows there are, and the file that it becomes as CSV."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.spreadsheets.cells import MARK, csv_lines

Row = Sequence[object]  # a cell is shown as its ``str``; ``None`` is empty


@dataclass(frozen=True)
class Table:
    """A head line and rows, of which one chunk at a time is read and held."""

    title: str  # of the sheet in a workbook
    head: Sequence[str]
    chunks: Iterable[Sequence[Row]]


class Source(ABC):
    """What can be taken away as a file. It travels to another process, so it is made of plain values."""

    @abstractmethod
    def longer_than(self, session: Session, rows: int) -> bool:
        """Whether the file has more than so many rows. No more of them are counted."""

    @abstractmethod
    def table(self, engine: sa.Engine) -> Table:
        """The rows, read while they are asked for."""

    def json(self, engine: sa.Engine) -> Iterator[str]:
        """The same for programs, in parts, where that is offered."""
        raise NotImplementedError


def more_than(
    session: Session, entity: type[Any], where: Iterable[sa.ColumnElement[bool]], rows: int
) -> bool:
    """Whether more than so many rows of ``entity`` are found. No more of them are counted."""
    some = sa.select(sa.literal(1)).select_from(entity).where(*where).limit(rows + 1).subquery()
    return (session.scalar(sa.select(sa.func.count()).select_from(some)) or 0) > rows


def as_csv(table: Table) -> Iterator[str]:
    """The file in parts, the first of which is the head line."""
    yield MARK + csv_lines([table.head])
    for rows in table.chunks:
        yield csv_lines(rows)
