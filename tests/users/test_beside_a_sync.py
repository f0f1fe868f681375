"""Activating while a sync renames the same people: each waits for its turn, and neither is ended by the database."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import make_actor
from tests.sync.office import open_office
from tests.sync.people import person
from webapp.core.database import write_transaction
from webapp.core.models import Contract, Role, Team, User, db
from webapp.people.activation.activate import activate
from webapp.people.activation.deactivate import deactivate
from webapp.people.directory.filters import Filters
from webapp.people.directory.selection import Selection
from webapp.people.directory.setup import SetUp

PEOPLE = 300  # for each half
RENAMES = 4  # runs


@pytest.fixture
def database_url(postgres_url: str) -> str:
    """SQLite has one writer at a time, so nobody can wait in a ring there."""
    return postgres_url


def test_a_sync_and_a_batch_over_the_same_people_never_wait_in_a_ring(app: Flask) -> None:
    with app.app_context():
        office = open_office(app)
        office.batch_size = 2 * PEOPLE
        manager = make_actor(app, office.contract_id, "administrator")
        with write_transaction() as session:
            session.execute(sa.update(Contract).values(licences=10_000))
        later = [person(f"1-{n:04}", f"Later {n}", f"later{n}@example.com") for n in range(PEOPLE)]
        early = [person(f"5-{n:04}", f"Early {n}", f"early{n}@example.com") for n in range(PEOPLE)]
        office.configure(growth_people=1_000_000)
        office.sync(*early)
        office.sync(*later, *early)  # listed first, but with the higher user IDs
        of_contract = User.contract_id == office.contract_id
        me = db.session.scalars(
            sa.select(User.id).where(of_contract, User.account_id == manager.account_id)
        ).one()
        ids = tuple(db.session.scalars(sa.select(User.id).where(of_contract, User.status == "pending")))
        agents = SetUp(
            frozenset(
                db.session.scalars(
                    sa.select(Role.id).where(Role.contract_id == office.contract_id, Role.key == "agent")
                )
            ),
            db.session.scalars(sa.select(Team.id).where(Team.contract_id == office.contract_id)).one(),
            frozenset(),
        )
    states: list[str] = []

    def rename() -> None:
        with app.app_context():
            for number in range(RENAMES):
                renamed = [
                    person(one.remote_id, f"{one.name} {number}", one.email) for one in (*later, *early)
                ]
                states.append(office.sync(*renamed).state)

    syncing = threading.Thread(target=rename)
    syncing.start()
    rounds = 0
    try:
        with app.app_context():
            while syncing.is_alive() or rounds == 0:
                waiting = Selection(Filters("pending" if rounds == 0 else "inactive"), ids=ids)
                activate(office.contract_id, waiting, agents, by_user_id=me)
                deactivate(office.contract_id, Selection(Filters("active"), ids=ids), by_user_id=me)
                rounds += 1
    finally:
        syncing.join()
    assert states == ["completed"] * RENAMES
