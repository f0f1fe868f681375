"""A contract with people in it, for tests of the Users pages."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

from tests.actors import make_contract
from webapp.core.bulk_rows import insert_rows
from webapp.core.database import write_connection, write_transaction
from webapp.core.match_keys import USER_KEYS, user_keys
from webapp.core.models import (
    AuditEvent,
    Contract,
    Integration,
    Person,
    ReportingAccess,
    Role,
    Team,
    User,
    UserRole,
    UserSync,
    UserTeam,
    db,
    table_of,
    utcnow,
)


@dataclass(frozen=True)
class World:
    """One contract: its roles by key, its teams by name, and its Intercom."""

    app: Flask
    contract_id: int
    slug: str
    roles: dict[str, int]
    teams: dict[str, int]
    intercom: int

    @property
    def url(self) -> str:
        return f"/c/{self.slug}/users"

    def add(
        self,
        *names: str,
        status: str = "pending",
        email: bool = True,
        missing_since: datetime | None = None,
        linked: bool = True,
        since: datetime | None = None,
        usernames: Sequence[str] = (),
    ) -> list[int]:
        """People imported from Intercom; their user IDs."""
        now = utcnow()
        with self.app.app_context(), write_transaction() as session:
            ids = []
            for place, name in enumerate(names):
                address = f"{name.lower().replace(' ', '.')}@{self.slug}.example" if email else None
                number = (session.scalar(sa.select(sa.func.max(User.id))) or 0) + 1
                remote_id = str(70_000 + number)
                username = usernames[place] if usernames else address or f"id-{remote_id}"
                user = User(
                    contract_id=self.contract_id,
                    status=status,
                    status_since=since or now,
                    name=name,
                    username=username,
                    email=address,
                    third_party_id=remote_id,
                    source_integration_id=self.intercom if linked else None,
                    named_by_integration_id=self.intercom if linked else None,
                    **user_keys(name=name, username=username, email=address, third_party_id=remote_id),
                )
                session.add(user)
                session.flush()
                if linked:
                    session.add(_person(self, user, remote_id, missing_since))
                ids.append(user.id)
            return ids

    def add_many(self, count: int, status: str = "pending") -> list[int]:
        """``count`` people named Person 00001 and so on, quickly; their user IDs."""
        with self.app.app_context(), write_connection() as connection:
            first = (connection.scalar(sa.select(sa.func.max(User.id))) or 0) + 1_000
            ids = list(range(first, first + count))
            rows = []
            for place, number in enumerate(ids, start=1):
                name, email = f"Person {place:05}", f"p{number}@{self.slug}.example"
                keys = user_keys(name=name, username=email, email=email, third_party_id=str(number))
                rows.append((number, name, email, email, str(number), *keys.values()))
            now = utcnow()
            insert_rows(
                connection,
                table_of(User),
                ("id", "name", "username", "email", "third_party_id", *USER_KEYS),
                rows,
                {
                    "contract_id": self.contract_id,
                    "status": status,
                    "status_since": now,
                    "source_integration_id": self.intercom,
                    "created_at": now,
                    "changed_at": now,
                },
            )
            return ids

    def give(self, user_ids: Sequence[int], *, role: str = "", team: str = "", access: str = "") -> None:
        """Roles, a team and reporting access, as an activation would have given."""
        with self.app.app_context(), write_transaction() as session:
            for user_id in user_ids:
                ids = {"contract_id": self.contract_id, "user_id": user_id}
                if role:
                    session.add(UserRole(role_id=self.roles[role], **ids))
                if team:
                    session.add(UserTeam(team_id=self.teams[team], **ids))
                if access:
                    session.add(ReportingAccess(team_id=self.teams[access], **ids))

    def user_of(self, account_id: int) -> int:
        """The user of an account."""
        return int(
            self.scalar(
                sa.select(User.id).where(User.contract_id == self.contract_id, User.account_id == account_id)
            )
        )

    def set_licences(self, licences: int) -> None:
        self.change(sa.update(Contract).where(Contract.id == self.contract_id).values(licences=licences))

    def set_status(self, user_ids: Sequence[int], status: str) -> None:
        self.change(sa.update(User).where(User.id.in_(user_ids)).values(status=status, status_since=utcnow()))

    def change(self, statement: sa.UpdateBase) -> None:
        with self.app.app_context(), write_transaction() as session:
            session.execute(statement)

    def scalar(self, statement: Any) -> Any:
        with self.app.app_context():
            return db.session.scalar(statement)

    def statuses(self, user_ids: Sequence[int]) -> list[str]:
        """The status of each, in the order of ``user_ids``."""
        with self.app.app_context():
            found = dict(
                db.session.execute(sa.select(User.id, User.status).where(User.id.in_(user_ids))).all()
            )
        return [found[user_id] for user_id in user_ids]

    def active(self) -> int:
        return int(
            self.scalar(
                sa.select(sa.func.count()).where(
                    User.contract_id == self.contract_id, User.status == "active"
                )
            )
        )

    def set_up_of(self, user_id: int) -> tuple[set[int], set[int], set[int]]:
        """Role IDs, team IDs, and the teams of the reporting access."""
        with self.app.app_context():
            return (
                set(db.session.scalars(sa.select(UserRole.role_id).where(UserRole.user_id == user_id))),
                set(db.session.scalars(sa.select(UserTeam.team_id).where(UserTeam.user_id == user_id))),
                set(
                    db.session.scalars(
                        sa.select(ReportingAccess.team_id).where(ReportingAccess.user_id == user_id)
                    )
                ),
            )

    def audit(self, action: str) -> list[AuditEvent]:
        with self.app.app_context():
            return list(
                db.session.scalars(
                    sa.select(AuditEvent)
                    .where(AuditEvent.contract_id == self.contract_id, AuditEvent.action == action)
                    .where(AuditEvent.actor.not_like("command:%"))
                    .order_by(AuditEvent.id)
                )
            )


def make_world(app: Flask, slug: str = "acme", *, licences: int = 60) -> World:
    """A contract with its roles, Intercom, and the teams Leeds > Phone > Billing, Leeds > Chat, and Porto."""
    contract_id = make_contract(app, slug, licences=licences)
    with app.app_context(), write_transaction() as session:
        top = session.scalars(sa.select(Team).where(Team.contract_id == contract_id)).one()
        teams = {"top": top.id}
        for name, parent, level in (
            ("Leeds", "top", 2),
            ("Phone", "Leeds", 3),
            ("Billing", "Phone", 4),
            ("Chat", "Leeds", 3),
            ("Porto", "top", 2),
        ):
            team = Team(contract_id=contract_id, parent_id=teams[parent], level=level, name=name)
            session.add(team)
            session.flush()
            teams[name] = team.id
        integration = Integration(
            contract_id=contract_id, platform="intercom", connection="connected", credentials="sealed"
        )
        session.add(integration)
        session.flush()
        session.add(UserSync(integration_id=integration.id, enabled=True))
        roles = {
            role.key or role.name: role.id
            for role in session.scalars(sa.select(Role).where(Role.contract_id == contract_id))
        }
        return World(app, contract_id, slug, roles, teams, integration.id)


def _person(world: World, user: User, remote_id: str, missing_since: datetime | None) -> Person:
    return Person(
        contract_id=world.contract_id,
        integration_id=world.intercom,
        remote_id=remote_id,
        revision=hashlib.blake2b(remote_id.encode(), digest_size=16).digest(),
        name=user.name,
        email=user.email,
        attributes={"columns": {"id": remote_id}, "team": f"T{remote_id}"},
        outcome="linked",
        user_id=user.id,
        missing_since=missing_since,
    )


def query_plans(app: Flask, read: Callable[[], object]) -> list[str]:
    """How SQLite reads what ``read`` asks of it: for each SELECT, the lines of EXPLAIN QUERY PLAN."""
    asked: list[tuple[str, Any]] = []

    def note(
        _connection: object, _cursor: object, statement: str, parameters: object, *_rest: object
    ) -> None:
        if statement.startswith(("SELECT", "WITH RECURSIVE")):
            asked.append((statement, parameters))

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", note)
        try:
            read()
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
        with db.engine.connect() as connection:
            return [
                "\n".join(
                    row.detail
                    for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                )
                for statement, parameters in asked
            ]


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """The SQL that is sent meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
