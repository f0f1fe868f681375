"""Ten active users of one platform, whose absence and readings a test dates back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from tests.sync.office import Office
from tests.sync.people import person
from webapp.core.database import write_transaction
from webapp.core.models import (
    AuditEvent,
    Contract,
    Integration,
    LeaverRule,
    Message,
    Person,
    Role,
    SyncRun,
    User,
    UserRole,
    UserSync,
    db,
    utcnow,
)
from webapp.jobs import functions
from webapp.platforms.base import Person as Listed

NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal", "Ida", "Jan")
EVERY = timedelta(hours=6)


def listed(*names: str) -> list[Listed]:
    """Those people as the platform lists them."""
    return [person(str(NAMES.index(name) + 1), name, f"{name.lower()}@example.com") for name in names]


@dataclass
class House:
    """The office, with everything dated back as a test wants it."""

    office: Office

    @classmethod
    def open(cls, office: Office) -> House:
        office.sync(*listed(*NAMES))
        house = cls(office)
        with write_transaction() as session:
            long_ago = utcnow() - timedelta(days=400)
            session.execute(
                sa.update(User)
                .where(User.contract_id == office.contract_id)
                .values(status="active", status_since=long_ago)
            )
        return house

    @property
    def url(self) -> str:
        db.session.rollback()
        return f"/c/{db.session.get_one(Contract, self.office.contract_id).slug}/users/leavers"

    def lose(self, *names: str, days: float) -> None:
        """Those people are missing since so many days."""
        self.change(
            sa.update(Person)
            .where(Person.integration_id == self.office.integration_id, Person.name.in_(names))
            .values(missing_since=utcnow() - timedelta(days=days))
        )

    def find_again(self, *names: str) -> None:
        self.change(sa.update(Person).where(Person.name.in_(names)).values(missing_since=None))

    def read(self, days: float, *, until: float = 0, every: timedelta = EVERY) -> None:
        """The list was read and applied from so many days ago until so many days ago."""
        moment, end = utcnow() - timedelta(days=days), utcnow() - timedelta(days=until)
        with write_transaction() as session:
            while moment <= end:
                session.add(
                    SyncRun(
                        contract_id=self.office.contract_id,
                        integration_id=self.office.integration_id,
                        trigger="schedule",
                        state="completed",
                        queued_at=moment,
                        started_at=moment,
                        finished_at=moment,
                    )
                )
                moment += every

    def elsewhere(self, *names: str, missing_days: float | None = None) -> int:
        """Zendesk has those people too; its integration's ID."""
        since = None if missing_days is None else utcnow() - timedelta(days=missing_days)
        with write_transaction() as session:
            integration = Integration(
                contract_id=self.office.contract_id, platform="zendesk", connection="not_connected"
            )
            integration.user_sync = UserSync(enabled=True)
            session.add(integration)
            session.flush()
            for name in names:
                session.add(
                    Person(
                        contract_id=self.office.contract_id,
                        integration_id=integration.id,
                        remote_id=f"z-{name}",
                        revision=b"0" * 16,
                        name=name,
                        attributes={"team": "Night shift"},
                        outcome="linked",
                        user_id=self.user(name).id,
                        missing_since=since,
                    )
                )
            return integration.id

    def rule(self, days: int = 30) -> None:
        with write_transaction() as session:
            session.add(LeaverRule(contract_id=self.office.contract_id, days=days, set_by="Ines"))

    def stored(self) -> LeaverRule:
        db.session.rollback()
        return db.session.get_one(LeaverRule, self.office.contract_id, populate_existing=True)

    def next_turn(self) -> None:
        """It is the rule's turn again, whenever it is."""
        self.change(sa.update(LeaverRule).values(next_at=utcnow() - timedelta(minutes=1)))
        functions.tick()

    def give_role(self, name: str, key: str) -> None:
        with write_transaction() as session:
            role = session.scalars(
                sa.select(Role).where(Role.contract_id == self.office.contract_id, Role.key == key)
            ).one()
            session.add(
                UserRole(contract_id=self.office.contract_id, user_id=self.user(name).id, role_id=role.id)
            )

    def change(self, statement: sa.UpdateBase) -> None:
        with write_transaction() as session:
            session.execute(statement.execution_options(synchronize_session=False))

    def user(self, name: str) -> User:
        return session_user(self.office.contract_id, name)

    def inactive(self) -> set[str]:
        db.session.rollback()
        return set(
            db.session.scalars(
                sa.select(User.name).where(
                    User.contract_id == self.office.contract_id, User.status == "inactive"
                )
            )
        )

    def audit(self, action: str) -> list[AuditEvent]:
        db.session.rollback()
        found = sa.select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id)
        return list(db.session.scalars(found))

    def mails(self) -> list[Message]:
        db.session.rollback()
        return list(
            db.session.scalars(sa.select(Message).where(Message.purpose == "leavers").order_by(Message.id))
        )


def session_user(contract_id: int, name: str) -> User:
    return db.session.scalars(sa.select(User).where(User.contract_id == contract_id, User.name == name)).one()
