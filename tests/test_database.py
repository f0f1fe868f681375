"""Transactions, and rules that the databases themselves enforce."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

import config
import webapp
from tests.actors import make_contract
from webapp.core.database import rows_changed, write_connection, write_transaction
from webapp.core.match_keys import user_keys
from webapp.core.models import (
    Account,
    Base,
    Contract,
    ContractFeature,
    Heartbeat,
    Integration,
    Person,
    ReportingAccess,
    Role,
    SyncRun,
    Team,
    User,
    UserRole,
    UserTeam,
    db,
    utcnow,
)


@pytest.fixture
def contract_id(app: Flask) -> int:
    return make_contract(app, "acme")


@pytest.fixture
def inside(app: Flask, contract_id: int) -> Iterator[None]:
    """Inside an application context, upon a database with one contract of 60 licences."""
    with app.app_context():
        yield


@pytest.fixture
def on_sqlite(sqlite_url: str, redis_url: str, tmp_path: Path) -> Iterator[None]:
    """Inside the context of an application upon SQLite with one contract of 60 licences."""
    app = webapp.create_app(
        config.test_settings(database_url=sqlite_url, redis_url=redis_url, data_dir=tmp_path)
    )
    make_contract(app, "acme")
    with app.app_context():
        yield
        db.session.remove()
        db.engine.dispose()


def licences() -> int:
    db.session.rollback()
    return db.session.scalars(sa.select(Contract.licences)).one()


# ------------------------------------------------------------------ transactions
@pytest.mark.usefixtures("on_sqlite")
def test_sqlite_serves_many_readers_beside_one_writer() -> None:
    with db.engine.connect() as connection:
        said = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        }
    assert said == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 10_000}


@pytest.mark.usefixtures("on_sqlite")
def test_a_reading_transaction_is_refused_every_write() -> None:
    for write in ("UPDATE contracts SET licences = 1", "DELETE FROM roles", "DROP TABLE roles"):
        with db.engine.connect() as connection, pytest.raises(sa.exc.OperationalError, match="readonly"):
            connection.exec_driver_sql(write)
        with pytest.raises(sa.exc.OperationalError, match="readonly"):
            db.session.execute(sa.text(write))
        db.session.rollback()
    assert licences() == 60


@pytest.mark.usefixtures("on_sqlite")
def test_a_connection_that_wrote_reads_only_again_afterwards() -> None:
    with write_transaction() as session:
        session.execute(sa.update(Contract).values(licences=61))
    with pytest.raises(sa.exc.OperationalError, match="readonly"):
        db.session.execute(sa.update(Contract).values(licences=62))
    assert licences() == 61


@pytest.mark.usefixtures("on_sqlite")
def test_a_reader_sees_one_moment_and_never_waits_for_a_writer() -> None:
    with db.engine.connect() as reader:
        count = sa.select(Contract.licences)
        assert reader.execute(count).scalar() == 60
        with write_connection() as writer:
            writer.execute(sa.update(Contract).values(licences=61))
            assert reader.execute(count).scalar() == 60
        assert reader.execute(count).scalar() == 60
    assert licences() == 61


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("way", [write_transaction, write_connection])
def test_whatever_ends_a_transaction_early_undoes_all_of_it(
    way: Callable[[], AbstractContextManager[sa.Connection]], error: type[BaseException]
) -> None:
    def fail() -> None:
        with way() as transaction:
            transaction.execute(sa.update(Contract).values(licences=61))
            transaction.execute(sa.delete(Team))
            raise error

    with pytest.raises(error):
        fail()
    assert licences() == 60
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Team)) == 1
    with write_transaction() as session:  # and the next one works
        session.execute(sa.update(Contract).values(licences=62))
    assert licences() == 62


@pytest.mark.usefixtures("inside")
def test_writers_beside_each_other_lose_nothing(app: Flask) -> None:
    """Read, think, write: with a locked row nobody overwrites what another has written meanwhile."""
    together = threading.Barrier(8)

    def add(_: int) -> None:
        with app.app_context():
            together.wait(30)
            for _ in range(5):
                with write_transaction() as session:
                    contract = session.scalars(
                        sa.select(Contract).with_for_update().execution_options(populate_existing=True)
                    ).one()
                    contract.licences += 1
            db.session.remove()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(8)))
    assert licences() == 100


@pytest.mark.usefixtures("inside")
def test_it_is_known_how_many_rows_a_statement_touched() -> None:
    with write_transaction() as session:
        assert rows_changed(session, sa.update(Role).values(position=1)) == 6
        assert rows_changed(session, sa.delete(Role).where(Role.key == "nothing")) == 0


# ------------------------------------------------------------------ values
@pytest.mark.usefixtures("inside")
def test_a_moment_comes_back_as_it_was_in_utc() -> None:
    moment = datetime(2026, 7, 1, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5)))
    with write_transaction() as session:
        session.add(Heartbeat(name="here", seen_at=moment))
    db.session.expire_all()
    found = db.session.scalars(sa.select(Heartbeat.seen_at)).one()
    assert found == moment
    assert found.tzinfo is UTC
    assert db.session.scalar(sa.select(Heartbeat.name).where(Heartbeat.seen_at == moment)) == "here"


@pytest.mark.usefixtures("inside")
def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(sa.exc.StatementError, match="naive"), write_transaction() as session:
        session.add(Heartbeat(name="here", seen_at=datetime(2026, 7, 1)))  # noqa: DTZ001 - what is refused


@pytest.mark.usefixtures("inside")
def test_structured_values_keep_their_characters_and_none_is_null() -> None:
    detail = {"name": "Zoë 東京 🎉", "list": [1, None, {"deep": True}]}
    with write_transaction() as session:
        session.add(Heartbeat(name="a", seen_at=utcnow(), detail=detail))
        session.add(Heartbeat(name="b", seen_at=utcnow(), detail=None))
    db.session.expire_all()
    assert db.session.scalars(sa.select(Heartbeat.detail).where(Heartbeat.name == "a")).one() == detail
    assert db.session.scalars(sa.select(Heartbeat.name).where(Heartbeat.detail.is_(None))).all() == ["b"]


@pytest.mark.usefixtures("inside")
def test_names_are_in_the_same_order_on_both_databases() -> None:
    names = ["b", "a", "Ä", "B", "_", "é", "z", "10", "9", "ß", "東"]
    with write_transaction() as session:
        contract_id = session.scalars(sa.select(Contract.id)).one()
        session.add_all(user(contract_id, username=f"user-{n}", name=name) for n, name in enumerate(names))
    found = db.session.scalars(sa.select(User.name_key).order_by(User.name_key)).all()
    assert found == sorted(found, key=str.encode)


# ------------------------------------------------------------------ rules of the tables
def user(contract_id: int, **changes: object) -> User:
    values: dict[str, object] = {
        "name": "Pia",
        "username": "pia",
        "email": None,
        "status": "pending",
        **changes,
    }
    keys = user_keys(
        name=str(values["name"]), username=str(values["username"]), email=None, third_party_id=None
    )
    return User(contract_id=contract_id, **keys, **values)


@pytest.fixture
def two(app: Flask) -> Iterator[tuple[dict[str, int], dict[str, int]]]:
    """What two contracts have: ids by the name of the thing."""
    found = []
    for slug in ("acme", "bolt"):
        contract_id = make_contract(app, slug)
        with app.app_context(), write_transaction() as session:
            someone = user(contract_id)
            integration = Integration(contract_id=contract_id, platform="intercom")
            session.add_all([someone, integration])
            session.flush()
            found.append(
                {
                    "contract": contract_id,
                    "user": someone.id,
                    "integration": integration.id,
                    "role": session.scalars(sa.select(Role.id).where(Role.contract_id == contract_id)).first()
                    or 0,
                    "team": session.scalars(sa.select(Team.id).where(Team.contract_id == contract_id)).one(),
                }
            )
    with app.app_context():
        yield found[0], found[1]


Two = tuple[dict[str, int], dict[str, int]]

CROSSINGS: dict[str, Callable[[dict[str, int], dict[str, int]], Base]] = {
    "a role of the other contract": lambda a, b: UserRole(
        contract_id=a["contract"], user_id=a["user"], role_id=b["role"]
    ),
    "a user of the other contract": lambda a, b: UserRole(
        contract_id=a["contract"], user_id=b["user"], role_id=a["role"]
    ),
    "a team of the other contract": lambda a, b: UserTeam(
        contract_id=a["contract"], user_id=a["user"], team_id=b["team"]
    ),
    "reporting access to the other contract": lambda a, b: ReportingAccess(
        contract_id=a["contract"], user_id=a["user"], team_id=b["team"]
    ),
    "a team below one of the other contract": lambda a, b: Team(
        contract_id=a["contract"], parent_id=b["team"], level=2, name="below"
    ),
    "a run of the other's integration": lambda a, b: SyncRun(
        contract_id=a["contract"], integration_id=b["integration"], trigger="manual"
    ),
    "a person of the other's integration": lambda a, b: person(a["contract"], b["integration"], a["user"]),
    "a person linked to the other's user": lambda a, b: person(a["contract"], a["integration"], b["user"]),
    "a contract that is not there": lambda a, b: user(10**6),
}


def person(contract_id: int, integration_id: int, user_id: int) -> Person:
    return Person(
        contract_id=contract_id,
        integration_id=integration_id,
        user_id=user_id,
        remote_id="1",
        revision=b"0" * 16,
        name="Pia",
        attributes={},
        outcome="linked",
        first_seen_at=utcnow(),
    )


@pytest.mark.parametrize("crossing", CROSSINGS)
def test_no_row_joins_two_contracts(two: Two, crossing: str) -> None:
    with pytest.raises(sa.exc.IntegrityError, match=r"(?i)foreign key"), write_transaction() as session:
        session.add(CROSSINGS[crossing](*two))


BROKEN: dict[str, Callable[[dict[str, int]], Base]] = {
    "a status that there is not": lambda a: user(a["contract"], username="eva", status="gone"),
    "a username that is too short": lambda a: user(a["contract"], username="ab"),
    "a user without a name": lambda a: user(a["contract"], username="eva", name=""),
    "a username that is taken": lambda a: user(a["contract"], username="PIA"),
    "an integration twice": lambda a: Integration(contract_id=a["contract"], platform="intercom"),
    "a connection without a token": lambda a: Integration(
        contract_id=a["contract"], platform="zendesk", connection="connected"
    ),
    "a run in a state that there is not": lambda a: SyncRun(
        contract_id=a["contract"], integration_id=a["integration"], trigger="manual", state="done"
    ),
    "a team below the seventh level": lambda a: Team(
        contract_id=a["contract"], parent_id=a["team"], level=8, name="too deep"
    ),
    "a team with a short name": lambda a: Team(
        contract_id=a["contract"], parent_id=a["team"], level=2, name="ab"
    ),
    "a second top that has a parent": lambda a: Team(
        contract_id=a["contract"], parent_id=a["team"], level=1, name="top"
    ),
    "a contract with fewer than no licences": lambda a: Contract(slug="minus", name="Minus", licences=-1),
    "an address that is taken": lambda a: Contract(slug="acme", name="Again", licences=1),
    "a theme that there is not": lambda a: Account(
        email="a@b.example", email_key="a@b.example", name="A", theme="x"
    ),
    "a feature twice": lambda a: ContractFeature(
        contract_id=a["contract"], feature="admin.integration.settings"
    ),
}


@pytest.mark.parametrize("row", BROKEN)
def test_the_database_refuses_a_row_that_cannot_be(two: Two, row: str) -> None:
    with pytest.raises(sa.exc.IntegrityError), write_transaction() as session:
        session.add(BROKEN[row](two[0]))


def test_an_integration_has_one_live_run(two: Two) -> None:
    def run(state: str) -> SyncRun:
        a = two[0]
        return SyncRun(
            contract_id=a["contract"], integration_id=a["integration"], trigger="manual", state=state
        )

    with write_transaction() as session:
        session.add_all([run("completed"), run("failed"), run("queued")])
    for state in ("queued", "running"):
        with pytest.raises(sa.exc.IntegrityError), write_transaction() as session:
            session.add(run(state))


def test_the_same_name_may_be_in_two_contracts(two: Two) -> None:
    with write_transaction() as session:
        session.add_all([user(one["contract"], username="eva") for one in two])
    assert db.session.scalar(sa.select(sa.func.count()).where(User.username == "eva")) == 2
