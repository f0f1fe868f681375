"""``python -m bench.floor TASK REPORT``: the least that a sync can cost here.

The same two answers are fetched with the standard library's HTTP client and decoded into typed structs; then
the rows that the product wrote are written with one ``executemany`` a statement, in one transaction, into a
database with the same tables, indexes and constraints, opened with the same settings. Nothing is compared,
matched, planned, logged or kept safe.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from bench.databases import connect
from bench.figures import Figures, measured


class Write(msgspec.Struct):
    """One statement upon ``table`` and the values of its marks, row by row."""

    table: str
    sql: str
    rows: list[Any]


class Task(msgspec.Struct):
    """What to fetch and where to write. ``database_url`` without ``writes`` is never opened."""

    api_url: str
    headers: dict[str, str]
    people: int
    database_url: str
    writes: list[Write]


class _Role(msgspec.Struct):
    id: str
    name: str


class _Admin(msgspec.Struct):
    """A teammate with every documented field that says who they are."""

    id: str
    type: str
    name: str | None = None
    email: str | None = None
    job_title: str | None = None
    has_inbox_seat: bool | None = None
    team_ids: list[int] | None = None
    role: _Role | None = None


class _Admins(msgspec.Struct):
    type: str
    admins: list[_Admin]


class _App(msgspec.Struct):
    id_code: str
    name: str | None = None


class _Me(msgspec.Struct):
    app: _App


def fetch(task: Task) -> None:
    """Fetch and decode what the product asks for."""
    connection = HTTPConnection(urlsplit(task.api_url).netloc)
    msgspec.json.decode(_body(connection, "/me", task.headers), type=_Me)
    admins = msgspec.json.decode(_body(connection, "/admins", task.headers), type=_Admins).admins
    connection.close()
    if len(admins) != task.people:
        raise RuntimeError(f"{len(admins)} people were listed, {task.people} were expected")


def write(task: Task) -> None:
    """Write all rows in one transaction."""
    connection = connect(task.database_url)
    cursor = connection.cursor()
    if task.database_url.startswith("sqlite"):
        cursor.execute("BEGIN IMMEDIATE")
    for one in task.writes:
        cursor.executemany(one.sql, one.rows)
    connection.commit()
    connection.close()


def main(task: Task) -> Sequence[Figures]:
    """Figures of fetching and decoding, and of that with the writing after it."""
    gc.freeze()
    gc.disable()  # as the worker does
    with measured() as all_of_it:
        with measured() as fetching:
            fetch(task)
        if task.writes:
            write(task)
    all_of_it.statements = len(task.writes)
    return fetching, all_of_it


def _body(connection: HTTPConnection, path: str, headers: dict[str, str]) -> bytes:
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"GET {path} answered {answer.status}")
    return body


if __name__ == "__main__":
    read = msgspec.msgpack.decode(Path(sys.argv[1]).read_bytes(), type=Task)
    Path(sys.argv[2]).write_bytes(msgspec.json.encode(main(read)))
