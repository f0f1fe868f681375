"""Whatever a run did, undoing it leaves users and links as they were before: real runs on real databases."""

from __future__ import annotations

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sync.office import Killed, Office, killed_at_commit, open_office
from tests.sync.test_any_story import Story, chapters, tell
from tests.sync.undoing import ask, links_of, undo, unlinked_of, users_of, work
from webapp.core.models import SyncRun
from webapp.core.models.sync import SUCCESS_STATES


@pytest.mark.parametrize(
    ("database_url", "examples"), [("sqlite", 25), ("postgres", 12)], indirect=["database_url"]
)
def test_do_and_undo_is_as_before(app: Flask, examples: int) -> None:
    @settings(max_examples=examples)
    @given(before=chapters, last=chapters, kill=st.integers(0, 6))
    def check(before: list[tuple[object, ...]], last: list[tuple[object, ...]], kill: int) -> None:
        with app.app_context():
            office = open_office(app)
            office.configure(shrink_percent=100, shrink_people=1000)
            office.user("Here Before", "a@x.example")
            office.user("Inactive", "inactive", "b@x.example", status="inactive")
            office.user("By Number", "numbered", third_party="105")
            story = Story()
            for chapter in before:
                tell(office, story, chapter)
            done = [chapter for chapter in last if chapter[0] != "renamed here"][:1]
            users, links, unlinked = users_of(office), links_of(office), unlinked_of(office)
            run = tell(office, story, done[0]) if done else None
            if run is None or not (run.imported or run.linked or run.renamed):
                return
            undone = undo_and_die(office, run, kill)
            assert undone.state in SUCCESS_STATES
            assert undone.left_out == 0
            assert undone.found == undone.removed + undone.renamed + undone.unlinked + undone.unchanged
            assert users_of(office) == users
            assert links_of(office) == links
            changed = {line.remote_id for line in office.lines(undone)}
            now = unlinked_of(office)
            assert {key: now[key] for key in changed & unlinked.keys()} == {
                key: unlinked[key] for key in changed & unlinked.keys()
            }
            assert not changed & (now.keys() - unlinked.keys())

    check()


def undo_and_die(office: Office, run: SyncRun, kill: int) -> SyncRun:
    """Undo the run; with ``kill`` the worker dies at that commit and another takes the undo up again."""
    if not kill:
        return undo(office, run)
    asked = ask(office, run)
    try:
        with killed_at_commit(office.engine, kill):
            work(office, asked, batch_size=1)
    except Killed:
        if office.run(asked.id).state == "running":
            office.take_back(asked)
    if office.run(asked.id).live:
        work(office, asked, batch_size=1)
    return office.run(asked.id)
