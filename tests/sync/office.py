"""A contract with a connected platform in a real database, and a platform in memory whose list a test decides."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Container, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

from tests.actors import make_contract
from webapp.core.credentials import seal
from webapp.core.database import write_transaction
from webapp.core.match_keys import user_keys
from webapp.core.models import Integration, SyncChange, SyncRequest, SyncRun, User, UserSync, db, utcnow
from webapp.core.models import Person as Remembered
from webapp.core.permissions import INTEGRATIONS
from webapp.integrations.user_sync import settings as use
from webapp.jobs import functions
from webapp.platforms.base import Call, ConnectorError, LeftOut, Listing, Person, RemoteAccount
from webapp.sync.run.batch_size import Batches
from webapp.sync.run.run import Ingredients, run_sync
from webapp.sync.schedule import schedule
from webapp.sync.schedule.schedule import Requester, Ticked

SOMEBODY = Requester(None, "somebody")
EVERY = timedelta(hours=6)
LEASE = timedelta(seconds=60)

_numbers = itertools.count(1)


class Killed(BaseException):
    """The worker died here: nothing in the product may catch it."""


@dataclass
class Platform:
    """A platform in memory. ``meanwhile`` is called while the list is being read; ``error`` is raised instead."""

    people_there: list[Person] = field(default_factory=list)
    set_aside: list[LeftOut] = field(default_factory=list)
    account_id: str = "workspace-1"
    account_name: str = "Workspace One"
    error: BaseException | None = None
    account_error: ConnectorError | None = None
    meanwhile: Callable[[], object] | None = None
    reads: int = 0
    record: Callable[[Call], None] | None = None

    def account(self) -> RemoteAccount:
        self._called("/account")
        if self.account_error is not None:
            raise self.account_error
        return RemoteAccount(self.account_id, self.account_name, "us", "Ada <ada@example.com>")

    def people(self, known: Callable[[], Container[bytes]], salt: bytes) -> Listing:
        self.reads += 1
        remembered = known()  # so that what happens meanwhile is always new to the run
        self._called("/people")
        if self.meanwhile is not None:
            self.meanwhile()
        if self.error is not None:
            raise self.error
        listing = Listing(len(self.people_there) + len(self.set_aside), set(), [], list(self.set_aside))
        for entry in self.people_there:
            revision = blake2b(msgspec.json.encode(entry), key=salt, digest_size=16).digest()
            if revision in remembered:
                listing.same.add(revision)
            else:
                listing.people.append(msgspec.structs.replace(entry, revision=revision))
        return listing

    def _called(self, path: str) -> None:
        if self.record is not None:
            self.record(Call(utcnow(), "GET", path, 200, 1))


@dataclass
class Office:
    """One contract with one integration, worked by hand: nothing happens here but what a test asks for."""

    app: Flask
    contract_id: int
    integration_id: int
    platform: Platform
    batch_size: int = 3
    lease: timedelta = LEASE

    @property
    def engine(self) -> sa.Engine:
        return db.engine

    def another(self) -> Office:
        """A second office in the same database."""
        return open_office(self.app)

    # -------------------------------------------------------------- what a test does
    def user(
        self,
        name: str,
        username: str,
        email: str | None = None,
        third_party: str | None = None,
        status: str = "active",
    ) -> int:
        """Somebody who is here already; their id."""
        with write_transaction() as session:
            user = User(
                contract_id=self.contract_id,
                status=status,
                name=name,
                username=username,
                email=email,
                third_party_id=third_party,
                **user_keys(name=name, username=username, email=email, third_party_id=third_party),
            )
            session.add(user)
            session.flush()
            return user.id

    def rename_here(self, username: str, name: str) -> None:
        """Somebody types another name by hand."""
        with write_transaction() as session:
            user = session.scalars(
                sa.select(User).where(User.contract_id == self.contract_id, User.username == username)
            ).one()
            user.name = name
            for key, value in user_keys(
                name=name, username=user.username, email=user.email, third_party_id=user.third_party_id
            ).items():
                setattr(user, key, value)

    def configure(self, **values: Any) -> None:
        """Change columns of the User sync settings."""
        with write_transaction() as session:
            session.execute(
                sa.update(UserSync).where(UserSync.integration_id == self.integration_id).values(**values)
            )

    def request(self) -> SyncRun:
        return use.sync_now(self.integration_id, SOMEBODY).run

    def work(self, run: SyncRun, platform: Platform | None = None) -> None:
        """Carry out the run's present attempt, as a worker does."""
        there = platform or self.platform

        def connector(integration: Integration, record: Callable[[Call], None]) -> Platform:
            there.record = record
            return there

        run_sync(
            run.id,
            self.run(run.id).attempt,
            Ingredients(
                self.engine,
                functions._load,
                connector,
                lease=self.lease,
                batches=Batches.always(self.batch_size),
            ),
        )

    def sync(self, *people: Person) -> SyncRun:
        """Ask for a run that finds ``people`` (or the same as before) and carry it out."""
        if people:
            self.platform.people_there = list(people)
        run = self.request()
        self.work(run)
        return self.run(run.id)

    def tick(self, now: datetime | None = None) -> Ticked:
        db.session.rollback()
        with write_transaction() as session:
            return schedule.tick(session, now or utcnow(), feature=INTEGRATIONS, every=EVERY)

    def take_back(self, run: SyncRun) -> SyncRun:
        """The worker is gone: its lease runs out and a tick queues the run again."""
        assert self.tick(utcnow() + 2 * self.lease).taken_back == 1
        return self.run(run.id)

    # -------------------------------------------------------------- what there is now
    def run(self, run_id: int) -> SyncRun:
        db.session.rollback()
        return db.session.get_one(SyncRun, run_id, populate_existing=True)

    @property
    def sync_settings(self) -> UserSync:
        db.session.rollback()
        return db.session.get_one(UserSync, self.integration_id, populate_existing=True)

    @property
    def integration(self) -> Integration:
        db.session.rollback()
        return db.session.get_one(Integration, self.integration_id, populate_existing=True)

    def users(self) -> dict[str, User]:
        """Everybody here by username."""
        db.session.rollback()
        rows = db.session.scalars(
            sa.select(User)
            .where(User.contract_id == self.contract_id)
            .execution_options(populate_existing=True)
        )
        return {user.username: user for user in rows}

    def users_id(self, username: str) -> int:
        """The ID of a user who is here."""
        return self.users()[username].id

    def remembered(self) -> dict[str, Remembered]:
        """Everybody known there by remote ID."""
        db.session.rollback()
        rows = db.session.scalars(
            sa.select(Remembered)
            .where(Remembered.integration_id == self.integration_id)
            .execution_options(populate_existing=True)
        )
        return {person.remote_id: person for person in rows}

    def changes(self, run: SyncRun) -> list[tuple[str, str]]:
        """``(remote ID, kind)`` of each line of a run, sorted."""
        return sorted((change.remote_id, change.kind) for change in self.lines(run))

    def lines(self, run: SyncRun) -> list[SyncChange]:
        db.session.rollback()
        return list(
            db.session.scalars(
                sa.select(SyncChange)
                .where(SyncChange.run_id == run.id)
                .order_by(SyncChange.remote_id, SyncChange.kind)
            )
        )

    def line(self, run: SyncRun, remote_id: str) -> SyncChange:
        (found,) = [line for line in self.lines(run) if line.remote_id == remote_id]
        return found

    def calls(self, run: SyncRun) -> list[SyncRequest]:
        db.session.rollback()
        return list(
            db.session.scalars(
                sa.select(SyncRequest).where(SyncRequest.run_id == run.id).order_by(SyncRequest.id)
            )
        )

    def everything(self, run: SyncRun) -> dict[str, Any]:
        """All that a run leaves behind, without ids and moments: two runs that did the same give the same."""
        run = self.run(run.id)
        users = self.users()
        username_of = {user.id: user.username for user in users.values()}
        return {
            "run": {
                name: getattr(run, name) for name in (*COUNTERS, "state", "message", "reasons", "error_kind")
            },
            "users": {
                username: _values(user, "status", "name", "name_key", "email", "third_party_id", "search_key")
                for username, user in users.items()
            },
            "people": {
                remote_id: (
                    _values(person, "revision", "name", "email", "attributes", "outcome", "reason"),
                    username_of.get(person.user_id or 0),
                    person.missing_since is None,
                )
                for remote_id, person in self.remembered().items()
            },
            "lines": [
                (
                    _values(
                        line, "kind", "remote_id", "person_name", "person_email", "before", "after", "reason"
                    ),
                    username_of.get(line.user_id or 0),
                )
                for line in self.lines(run)
            ],
        }


COUNTERS = (
    "found",
    "imported",
    "linked",
    "renamed",
    "unchanged",
    "left_out",
    "conflicts",
    "missing",
    "returned",
)


def _values(row: object, *names: str) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in names)


def open_office(app: Flask) -> Office:
    """A new contract, connected and with User sync on. Call inside an app context."""
    contract_id = make_contract(app, f"contract-{next(_numbers)}")
    now = utcnow()
    with write_transaction() as session:
        integration = Integration(contract_id=contract_id, platform="intercom", connection="not_connected")
        integration.user_sync = UserSync(enabled=True, enabled_at=now, next_run_at=now + EVERY)
        session.add(integration)
        session.flush()
        integration.connection = "connected"
        integration.connected_at = now
        integration.credentials = seal(integration, {"access_token": "secret"})
        integration.remote_account_id, integration.remote_account_name = "workspace-1", "Workspace One"
        integration_id = integration.id
    return Office(app, contract_id, integration_id, Platform())


@contextmanager
def killed_at_commit(engine: sa.Engine, number: int) -> Iterator[None]:
    """The worker dies when it is about to commit for the ``number``-th time; that commit is lost."""
    count = itertools.count(1)
    with _killed_when(engine, lambda _connection: next(count) == number):
        yield


@contextmanager
def killed_after(engine: sa.Engine, run: SyncRun, done: int) -> Iterator[None]:
    """The worker dies when it is about to commit the batch with which more than ``done`` people are dealt with."""
    dealt_with = sa.select(SyncRun.done).where(SyncRun.id == run.id)
    with _killed_when(engine, lambda connection: (connection.scalar(dealt_with) or 0) > done):
        yield


@contextmanager
def _killed_when(engine: sa.Engine, reached: Callable[[sa.Connection], bool]) -> Iterator[None]:
    def die(connection: sa.Connection) -> None:
        if reached(connection):
            raise Killed

    event.listen(engine, "commit", die)
    try:
        yield
    finally:
        event.remove(engine, "commit", die)


@contextmanager
def statements(engine: sa.Engine) -> Iterator[list[str]]:
    """The statements that are executed inside the block, many rows at once counting as one."""
    seen: list[str] = []

    def note(
        _connection: object,
        _cursor: object,
        statement: str,
        _parameters: object,
        _context: object,
        _many: bool,
    ) -> None:
        if not statement.startswith(("PRAGMA", "BEGIN")):
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@contextmanager
def at_each_pause(office: Office, action: Callable[[], bool]) -> Iterator[None]:
    """``action`` is called whenever the worker has ended a transaction, until it answers ``False``."""
    state = {"waits": True}

    def act() -> bool:
        with office.app.app_context():
            return action()

    def pause(_connection: object, _record: object) -> None:
        if state["waits"]:
            state["waits"] = False  # what the action does takes connections as well
            with ThreadPoolExecutor(1) as somebody_else:
                state["waits"] = somebody_else.submit(act).result()

    event.listen(office.engine, "checkin", pause)
    try:
        yield
    finally:
        event.remove(office.engine, "checkin", pause)


@contextmanager
def between_all_batches(office: Office, run: SyncRun, action: Callable[[], object]) -> Iterator[None]:
    """``action`` is called after each transaction with which more people are dealt with than before."""
    state = {"done": 0}

    def act() -> bool:
        done = office.run(run.id).done
        if done > state["done"]:
            state["done"] = done
            action()
        return True

    with at_each_pause(office, act):
        yield


@contextmanager
def between_batches(
    office: Office, run: SyncRun, action: Callable[[], object], done: int = 1
) -> Iterator[None]:
    """``action`` is called once, as soon as ``done`` people are dealt with and before the next batch begins."""
    acted: list[bool] = []

    def act() -> bool:
        with office.engine.connect() as connection:
            now = connection.scalar(sa.select(SyncRun.done).where(SyncRun.id == run.id)) or 0
        if now >= done:
            acted.append(True)
            action()
        return not acted

    with at_each_pause(office, act):
        yield
    assert acted, "the run ended before the moment came"
