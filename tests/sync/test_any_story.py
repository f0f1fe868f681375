"""Whatever a platform does from run to run, what must always hold holds: real runs on a real database."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sync.office import Killed, Office, killed_at_commit, open_office
from tests.sync.people import person
from webapp.core.match_keys import match_key
from webapp.core.models import SyncRun
from webapp.core.models.sync import SUCCESS_STATES
from webapp.platforms.base import Person

NAMES = ["Ada", "Bob", "Zoë Ångström", "李雷", "", None]
EMAILS = [f"{letter}@x.example" for letter in "abcdef"] + ["A@X.example", None]
STAFF = ["S1", "S2", "s1", "a@x.example", "", None]


@dataclass
class Story:
    """The people there as a test changes them: remote ID to name, email and staff number."""

    there: dict[str, tuple[str | None, str | None, str | None]] = field(default_factory=dict)

    def listing(self) -> list[Person]:
        return [
            person(remote_id, name, email, **({"staff": staff} if staff else {}))
            for remote_id, (name, email, staff) in self.there.items()
        ]


numbers = st.integers(100, 109).map(str)
records = st.tuples(st.sampled_from(NAMES), st.sampled_from(EMAILS), st.sampled_from(STAFF))
chapters = st.lists(
    st.one_of(
        st.tuples(st.just("is"), st.dictionaries(numbers, records, max_size=6)),
        st.tuples(st.just("leaves"), numbers),
        st.tuples(st.just("swap emails"), numbers, numbers),
        st.tuples(st.just("renamed here"), st.sampled_from(EMAILS[:6])),
        st.tuples(st.just("killed"), st.integers(1, 12)),
        st.tuples(st.just("identifier"), st.sampled_from([None, "email", "staff"])),
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@settings(max_examples=25)
@given(chapters=chapters)
def test_any_story_keeps_what_must_hold(app: Flask, chapters: list[tuple[object, ...]]) -> None:
    with app.app_context():
        office = open_office(app)
        office.configure(shrink_percent=100, shrink_people=1000)  # the safeguard has tests of its own
        office.user("Here Before", "a@x.example")
        office.user("Inactive", "inactive", "b@x.example", status="inactive")
        office.user("By Number", "numbered", third_party="105")
        story = Story()
        for chapter in chapters:
            run = tell(office, story, chapter)
            if run is not None:
                check(office, story, run)


def tell(office: Office, story: Story, chapter: tuple[object, ...]) -> SyncRun | None:
    """Let one thing happen and sync; the run, if it completed."""
    kill = 0
    match chapter:
        case ("is", dict(changes)):
            story.there |= changes
        case ("leaves", str(remote_id)):
            story.there.pop(remote_id, None)
        case ("swap emails", str(one), str(two)) if one in story.there and two in story.there:
            a, b = story.there[one], story.there[two]
            story.there[one], story.there[two] = (a[0], b[1], a[2]), (b[0], a[1], b[2])
        case ("renamed here", str(username)) if username in office.users():
            office.rename_here(username, "Typed By Hand")
        case ("identifier", column):
            office.configure(identifier_column=column)
        case ("killed", int(number)):
            kill = number
    office.platform.people_there = story.listing()
    before = set(office.users())
    run = office.request()
    if kill:
        try:
            with killed_at_commit(office.engine, kill):
                office.work(run)
        except Killed:
            if office.run(run.id).state == "running":
                office.take_back(run)
    if office.run(run.id).live:
        office.work(run)
    run = office.run(run.id)
    assert not run.live
    assert before <= set(office.users())  # nobody is ever removed
    if run.state == "held" or run.error_kind == "identifier_absent":
        return None
    assert run.state in SUCCESS_STATES
    return run


def check(office: Office, story: Story, run: SyncRun) -> None:
    assert run.found == len(story.there)
    assert run.found == (
        run.imported + run.linked + run.renamed + run.unchanged + run.left_out + run.conflicts
    )
    users, people = {user.id: user for user in office.users().values()}, office.remembered()
    links = [entry.user_id for entry in people.values() if entry.user_id is not None]
    assert len(links) == len(set(links))
    assert {key for key, entry in people.items() if entry.missing_since is None} == set(story.there)
    for remote_id, (name, _, _) in story.there.items():
        entry = people[remote_id]
        assert (entry.outcome == "linked") is (entry.user_id is not None) is (entry.reason is None)
        if entry.user_id is not None and (name or "").strip():
            assert users[entry.user_id].name == (name or "").strip()
    assert len({user.username_key for user in users.values()}) == len(users)
    assert all(user.name_key == match_key(user.name) for user in users.values())
    assert users_by_status(office)["active"] == 2
    lines = office.lines(run)
    for kind, count in (
        ("imported", run.imported), ("linked", run.linked), ("renamed", run.renamed), ("missing", run.missing),
        ("returned", run.returned), ("conflict", run.conflicts), ("left_out", run.left_out),
    ):  # fmt: skip
        assert sum(line.kind == kind for line in lines) == count
    again = office.sync()
    assert (again.imported, again.linked, again.renamed, again.missing, again.returned) == (0, 0, 0, 0, 0)
    assert (again.conflicts, again.left_out) == (run.conflicts, run.left_out)


def users_by_status(office: Office) -> dict[str, int]:
    statuses = [user.status for user in office.users().values()]
    return {status: statuses.count(status) for status in ("active", "inactive", "pending")}
