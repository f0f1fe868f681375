"""Files to be made by another process, which finds these classes by their names."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from webapp.core.spreadsheets.table import Row, Source, Table


@dataclass(frozen=True)
class Numbered(Source):
    """So many rows, each with the process that made it when ``told``."""

    rows: int
    told: bool = False

    def longer_than(self, session: Session, rows: int) -> bool:
        return self.rows > rows

    def table(self, engine: sa.Engine) -> Table:
        return Table("Numbers", ("Number", "Maker"), self._chunks(engine))

    def json(self, engine: sa.Engine) -> Iterator[str]:
        yield f'{{"rows": {self.rows}}}\n'

    def _chunks(self, engine: sa.Engine) -> Iterator[Sequence[Row]]:
        with engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT count(*) FROM users")) == 0
        maker = os.getpid() if self.told else "=1+1"
        for start in range(0, self.rows, 500):
            yield [(f"Ä{number:06}", maker) for number in range(start, min(start + 500, self.rows))]


@dataclass(frozen=True)
class Endless(Numbered):
    """Goes on for as long as anybody wants it."""

    def _chunks(self, engine: sa.Engine) -> Iterator[Sequence[Row]]:
        while True:
            yield [("more", "x" * 1_000)] * 100
            time.sleep(0.01)


@dataclass(frozen=True)
class Broken(Numbered):
    """Fails after so many rows."""

    def _chunks(self, engine: sa.Engine) -> Iterator[Sequence[Row]]:
        yield [("Zoë", "zoe@acme.example")] * self.rows
        raise LookupError("zoe@acme.example")


@dataclass(frozen=True)
class Lost(Numbered):
    """Nothing that another process could be told of."""

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return exit_at_once, ()


def exit_at_once() -> None:
    os._exit(3)
