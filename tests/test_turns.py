"""Whoever waits to write to SQLite is let in between two batches of a run; nobody waits for nobody."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.servers.processes import wait_until
from tests.sync.office import open_office
from tests.sync.people import person
from webapp.core import turns
from webapp.core.database import write_connection
from webapp.core.models import db


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """On a database server each row has a lock of its own, and whoever waits for it is next."""
    return sqlite_url


def somebody_waits(engine: sa.Engine) -> bool:
    file = turns._opened(engine.url.database)
    assert file is not None
    try:
        return not turns._locked(file, turns.fcntl.LOCK_EX)
    finally:
        os.close(file)


def test_b8_whoever_waits_to_save_is_let_in_after_the_batch(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "WAITS_AT_MOST", 30.0)
    begun = threading.Event()

    def save() -> None:
        with app.app_context(), write_connection():
            begun.set()

    with app.app_context(), ThreadPoolExecutor(1) as manager:
        with write_connection():
            saved = manager.submit(save)
            wait_until(lambda: somebody_waits(db.engine))
            assert not begun.is_set()
        turns.let_others_in(db.engine)
        assert begun.is_set()
        saved.result()


def test_b8_a_run_lets_others_in_after_every_batch_and_never_stands_still_for_nobody(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(_seconds: float) -> None:
        raise AssertionError("nobody waits")

    monkeypatch.setattr(turns.time, "sleep", sleep)
    looked: list[bool] = []
    locked = turns._locked

    def look(file: int, how: int) -> bool:
        looked.extend([True] if how == turns.fcntl.LOCK_EX else [])
        return locked(file, how)

    monkeypatch.setattr(turns, "_locked", look)
    with app.app_context():
        office = open_office(app)
        run = office.sync(*(person(str(number), email=f"p{number}@example.com") for number in range(12)))
        assert (run.state, run.imported, len(looked)) == ("completed", 12, 4)


def test_b8_somebody_who_is_frozen_while_they_wait_holds_no_run_up(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "WAITS_AT_MOST", 0.02)
    with app.app_context(), turns.announced(db.engine.url.database):
        turns.let_others_in(db.engine)
        assert somebody_waits(db.engine)
        with write_connection() as connection:  # nor anybody else
            connection.execute(sa.text("DELETE FROM heartbeats"))


def test_b8_without_a_place_for_the_file_everybody_writes_as_before(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "missing" / "rollcall.db")
    for database in (None, ":memory:", nowhere):
        with turns.announced(database):
            turns.let_others_in(
                sa.create_engine("sqlite://" if database is None else f"sqlite:///{database}")
            )
