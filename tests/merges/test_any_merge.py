"""Whatever the users are and in whichever order the platforms sync: a merge and its undo lose nobody."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.actors import make_actor
from tests.merges.desk import add_desk, change, get_user, rows
from tests.sync.office import Office, open_office
from tests.sync.people import person
from webapp.core.models import Account, Decision, Person, Role, Team, User, UserRole, UserTeam, db, table_of
from webapp.people.directory.directory import directory_of
from webapp.people.merges import checks
from webapp.people.merges import merge as merges_merge
from webapp.people.merges import undo as merges_undo
from webapp.people.merges.checks import CannotMerge
from webapp.platforms.base import Person as Listed

STATUSES = ("pending", "active", "inactive")
EMAILS = ("a@x.example", "b@x.example", "A@X.example", None)


@dataclass(frozen=True)
class Half:
    """One of the two users: what is theirs when the story begins. A link is "listed", "gone" or nothing."""

    status: str
    email: str | None
    third_party: str | None
    there: str
    desk: str
    account: bool
    role: bool
    team: bool
    decision: bool


links = st.sampled_from(["", "listed", "gone"])
halves = st.builds(
    Half,
    st.sampled_from(STATUSES),
    st.sampled_from(EMAILS),
    st.sampled_from(["55", "66", None]),
    links,
    links,
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


def build(office: Office, desk: Office, number: int, half: Half) -> int:
    """The user of ``half``; their id."""
    user_id = office.user(f"Half {number}", f"half{number}", half.email, half.third_party, half.status)
    ids = {"contract_id": office.contract_id, "user_id": user_id}
    for integration, state in ((office, half.there), (desk, half.desk)):
        if state:
            change(
                sa.insert(Person).values(
                    **ids,
                    integration_id=integration.integration_id,
                    remote_id=f"r{number}",
                    revision=b"0" * 16,
                    name=f"Half {number}",
                    attributes={},
                    outcome="linked",
                    missing_since=None if state == "listed" else sa.func.current_timestamp(),
                )
            )
    if half.account:
        key = f"c{office.contract_id}.{number}@x.example"
        change(sa.insert(Account).values(email=key, email_key=key, name=f"Half {number}"))
        account_id = db.session.scalar(sa.select(Account.id).where(Account.email_key == key))
        change(sa.update(User).where(User.id == user_id).values(account_id=account_id))
    if half.status == "active":
        role = sa.select(Role.id).where(Role.contract_id == office.contract_id, Role.key == "agent")
        team = sa.select(Team.id).where(Team.contract_id == office.contract_id)
        if half.role:
            change(sa.insert(UserRole).values(**ids, role_id=db.session.scalar(role)))
        if half.team:
            change(sa.insert(UserTeam).values(**ids, team_id=db.session.scalar(team)))
    if half.decision:
        change(
            sa.insert(Decision).values(
                **ids,
                integration_id=office.integration_id,
                remote_id=f"decided{number}",
                person_name="Somebody",
                reason="several_users",
                decided_by="somebody",
            )
        )
    return user_id


@settings(max_examples=15)
@given(first=halves, second=halves)
def test_a_merge_and_its_undo_leave_every_row_as_it_was(app: Flask, first: Half, second: Half) -> None:
    with app.app_context():
        office = open_office(app)
        desk = add_desk(app, office)
        actor = make_actor(app, office.contract_id, "administrator")
        kept, gone = build(office, desk, 1, first), build(office, desk, 2, second)
        me = db.session.scalars(
            sa.select(User.id).where(
                User.contract_id == office.contract_id, User.account_id == actor.account_id
            )
        ).one()
        before = rows(office.contract_id)
        stamp = checks.stamp_of(db.session(), get_user(kept), get_user(gone))
        try:
            done = merges_merge.merge(office.contract_id, kept, gone, by="me", by_user_id=me, stamp=stamp)
        except CannotMerge:
            assert rows(office.contract_id) == before
            two_there = any(
                (getattr(first, name), getattr(second, name)) == ("listed", "listed")
                for name in ("there", "desk")
            )
            assert two_there or (first.account and second.account)
            return
        merged = rows(office.contract_id)
        linked = [row["user_id"] for row in merged["people"]]
        assert gone not in linked
        assert {row["id"] for row in merged["users"]} == {row["id"] for row in before["users"]}
        assert get_user(kept).status == first.status
        session = db.session()
        row = merges_undo.merge_of(session, office.contract_id, done.id)
        back = merges_undo.returning(
            session, row, get_user(kept), get_user(gone), directory_of(session, office.contract_id)
        )
        assert back.lost == []
        merges_undo.undo(office.contract_id, done.id, by="me", by_user_id=me, stamp=back.stamp)
        assert rows(office.contract_id) == before


people = st.lists(
    st.tuples(st.integers(0, 5), st.booleans(), st.booleans()),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one[0],
)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@settings(max_examples=10)
@given(humans=people)
def test_in_whichever_order_the_platforms_sync_the_same_humans_are_here(
    app: Flask, humans: list[tuple[int, bool, bool]]
) -> None:
    """Each human is in one platform or in both, under one email written in two ways."""
    assume(any(there or desk for _, there, desk in humans))

    def listed(number: int, prefix: str, shout: bool) -> Listed:
        email = f"h{number}@x.example"
        return person(f"{prefix}{number}00", f"Human {number}", email.upper() if shout else email)

    there = [listed(number, "1", False) for number, there, _ in humans if there]
    desk_there = [listed(number, "9", True) for number, _, desk in humans if desk]
    seen = []
    with app.app_context():
        for order in permutations((0, 1)):
            office = open_office(app)
            desk = add_desk(app, office)
            desk.configure(identifier_column=None)
            offices = ((office, there), (desk, desk_there))
            for which in (*order, *order):
                one, list_there = offices[which]
                if list_there:
                    assert one.sync(*list_there).state == "completed"
            everybody = {
                row["email_key"]: row["id"]
                for row in rows(office.contract_id)[table_of(User).name]
                if row["status"] == "pending"
            }
            linked = sorted(
                (
                    email,
                    sum(
                        person.user_id == user_id
                        for one, _ in offices
                        for person in one.remembered().values()
                    ),
                )
                for email, user_id in everybody.items()
            )
            seen.append(linked)
    expected = sorted(
        (f"h{number}@x.example", there + desk) for number, there, desk in humans if there or desk
    )
    assert seen == [expected, expected]
