"""A second platform beside an office's first, and a human whom both imported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Flask

from tests.sync.office import EVERY, Office, Platform
from tests.sync.people import person
from webapp.core.credentials import seal
from webapp.core.database import write_transaction
from webapp.core.models import (
    Account,
    Decision,
    Integration,
    MergeProposal,
    Person,
    ReportingAccess,
    User,
    UserRole,
    UserSync,
    UserTeam,
    db,
    utcnow,
)
from webapp.people.merges import find_duplicates

STAFF = {"staff": "S-1"}
THERE = person("1001", "Ada Lovelace", "ada@example.com")
DESK = person("900", "Ada King", "ADA@example.com", **STAFF)


def add_desk(app: Flask, office: Office) -> Office:
    """Another platform of the office's contract, connected later and matching by staff number."""
    now = utcnow()
    with write_transaction() as session:
        integration = Integration(
            contract_id=office.contract_id, platform="zendesk", connection="not_connected", name_rank=1
        )
        integration.user_sync = UserSync(
            enabled=True, enabled_at=now, next_run_at=now + EVERY, identifier_column="staff"
        )
        session.add(integration)
        session.flush()
        integration.credentials = seal(integration, {"access_token": "secret"})
        integration.connection, integration.connected_at = "connected", now
        integration.remote_account_id, integration.remote_account_name = "desk", "desk.zendesk.com"
        integration_id = integration.id
    return Office(app, office.contract_id, integration_id, Platform(account_id="desk"))


@dataclass(frozen=True)
class Human:
    """The two users of one human."""

    first: int
    second: int

    @classmethod
    def imported_twice(cls, office: Office, desk: Office) -> Human:
        """The desk knows Ada by a staff number that nobody here has, so she is imported once more."""
        assert office.sync(THERE).imported == 1
        # Their username there is taken, so somebody said that they are new.
        assert desk.sync(DESK).conflicts == 1
        with write_transaction() as session:
            session.add(
                Decision(
                    contract_id=desk.contract_id,
                    integration_id=desk.integration_id,
                    remote_id="900",
                    person_name="Ada King",
                    reason="username_taken",
                    decided_by="somebody",
                )
            )
        assert desk.sync().imported == 1
        find_duplicates.find_wanted(db.engine)
        first, second = office.remembered()["1001"].user_id, desk.remembered()["900"].user_id
        assert first is not None
        assert second is not None
        return cls(first, second)


TABLES = (User, Person, Decision, UserRole, UserTeam, ReportingAccess)
TIMES = {"changed_at", "last_seen_at"}


def rows(contract_id: int) -> dict[str, list[dict[str, Any]]]:
    """Every row about the users of a contract, but for when it was last touched."""
    db.session.rollback()
    found = {}
    for model in TABLES:
        table = model.__table__
        columns = [column for column in table.columns if column.name not in TIMES]
        statement = sa.select(*columns).where(table.c.contract_id == contract_id)
        found[table.name] = sorted(
            (dict(row._mapping) for row in db.session.execute(statement)), key=lambda row: repr(row)
        )
    return found


def proposed(contract_id: int) -> list[tuple[int, int, list[str], bool]]:
    """Each stored pair with its evidence, and whether somebody dismissed it."""
    db.session.rollback()
    find_duplicates.find_wanted(db.engine)
    return [
        (one.first_id, one.second_id, list(one.evidence), one.dismissed_at is not None)
        for one in db.session.scalars(
            sa.select(MergeProposal)
            .where(MergeProposal.contract_id == contract_id)
            .order_by(MergeProposal.first_id, MergeProposal.second_id)
            .execution_options(populate_existing=True)
        )
    ]


def change(statement: sa.UpdateBase) -> None:
    with write_transaction() as session:
        session.execute(statement)


def account(name: str) -> int:
    """A sign-in account of nobody yet."""
    with write_transaction() as session:
        row = Account(email=f"{name}@example.com", email_key=f"{name}@example.com", name=name)
        session.add(row)
        session.flush()
        return row.id


def get_user(user_id: int) -> User:
    db.session.rollback()
    return db.session.get_one(User, user_id, populate_existing=True)
