"""A contract with a past: what a first import brought, spread over the tabs, with roles, teams, a second platform,
people who are gone and a week of runs. Every choice follows from the numbers of the rows, so each call makes the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bench.product import product
from webapp.core.bulk_rows import insert_rows
from webapp.core.credentials import seal
from webapp.core.database import write_connection, write_transaction
from webapp.core.models import (
    Contract,
    Integration,
    Person,
    ReportingAccess,
    Role,
    SyncRun,
    Team,
    User,
    UserRole,
    UserSync,
    UserTeam,
    db,
)
from webapp.core.models.base import table_of

RUNS = 40  # of each platform
EVERY = timedelta(hours=6)

# Of twenty people, nine are active and two inactive; the others wait.
ACTIVE, INACTIVE = 9, 2


def settle_in(environ: Mapping[str, str], now: datetime) -> None:
    """Make the mix in the database of ``environ``, in which a first import has ended."""
    with product(environ):
        with write_transaction() as session:
            contract = session.scalars(sa.select(Contract).where(Contract.slug == "demo")).one()
            contract.licences = 60_000
            first = session.scalars(sa.select(Integration)).one()
            second = _second_platform(session, contract, now)
            for integration in (first, second):
                _runs(session, integration, now)
        imported = sa.select(User.id).where(User.source_integration_id == first.id).order_by(User.id)
        ids = list(db.session.scalars(imported))
        roles = list(db.session.scalars(sa.select(Role.id).where(Role.contract_id == contract.id)))
        teams = list(db.session.scalars(sa.select(Team.id).where(Team.contract_id == contract.id)))
        db.session.commit()
        with write_connection() as connection:
            _statuses(connection, ids, now)
            _set_up(connection, contract.id, [one for one in ids if _is_active(one)], roles, teams)
            _links(connection, second, [one for one in ids if one % 10 < 3], now)
            connection.execute(
                sa.update(Person)
                .where(Person.user_id % 33 == 0)
                .values(missing_since=now - timedelta(days=2))
            )


def _is_active(user_id: int) -> bool:
    return user_id % 20 < ACTIVE


def _is_inactive(user_id: int) -> bool:
    return ACTIVE <= user_id % 20 < ACTIVE + INACTIVE


def _second_platform(session: Session, contract: Contract, now: datetime) -> Integration:
    made = Integration(contract_id=contract.id, platform="zendesk", site="kestrel", created_at=now)
    session.add(made)
    session.flush()
    made.credentials = seal(made, {"access_token": "of-the-bench"})
    made.connection, made.connected_at, made.connected_by = "connected", now, "Ana Oliveira"
    made.remote_account_id = made.remote_account_name = "kestrel"
    session.add(
        UserSync(
            integration_id=made.id,
            enabled=True,
            enabled_at=now,
            next_run_at=now + EVERY,
            last_success_at=now - timedelta(hours=1),
        )
    )
    return made


def _runs(session: Session, integration: Integration, now: datetime) -> None:
    """A run every six hours, the newest an hour ago; one of nine failed."""
    for number in range(RUNS, 0, -1):
        began = now - timedelta(hours=1) - (number - 1) * EVERY
        failed = number % 9 == 5
        session.add(
            SyncRun(
                contract_id=integration.contract_id,
                integration_id=integration.id,
                trigger="schedule",
                state="failed" if failed else "completed",
                stage="fetch" if failed else "finish",
                queued_at=began,
                started_at=began,
                finished_at=began + timedelta(seconds=4),
                fence=1,
                found=0 if failed else 1_000,
                unchanged=0 if failed else 1_000,
                message="The platform did not answer." if failed else None,
            )
        )


def _statuses(connection: sa.Connection, ids: list[int], now: datetime) -> None:
    """Who is active or inactive, and since when; those who wait came in batches of 1,000, a minute apart."""

    def move(status: str, belongs: Callable[[int], bool]) -> None:
        rows = [{"user": one, "since": now - timedelta(seconds=one * 37)} for one in ids if belongs(one)]
        connection.execute(
            sa.update(table_of(User))
            .where(User.id == sa.bindparam("user"))
            .values(status=status, status_since=sa.bindparam("since")),
            rows,
        )

    move("active", _is_active)
    move("inactive", _is_inactive)


def _set_up(
    connection: sa.Connection, contract_id: int, ids: list[int], roles: list[int], teams: list[int]
) -> None:
    """Roles and teams of the active: most have one of each, some two roles, some no team, some neither."""
    constants = {"contract_id": contract_id}
    given = [(one, roles[one % len(roles)]) for one in ids if one % 23]
    given += [(one, roles[(one + 1) % len(roles)]) for one in ids if one % 23 and one % 7 == 0]
    insert_rows(connection, table_of(UserRole), ["user_id", "role_id"], given, constants)
    member = [(one, teams[one // 20 % len(teams)]) for one in ids if one % 17]
    insert_rows(connection, table_of(UserTeam), ["user_id", "team_id"], member, constants)
    seeing = [(one, teams[one // 20 % len(teams)]) for one in ids if one % 5 == 0]
    insert_rows(connection, table_of(ReportingAccess), ["user_id", "team_id"], seeing, constants)


def _links(connection: sa.Connection, integration: Integration, ids: list[int], now: datetime) -> None:
    """The same people on the second platform."""
    rows = [(f"z{one}", one, f"Person {one}", f"person{one}@kestrel.example") for one in ids]
    constants = {
        "contract_id": integration.contract_id,
        "integration_id": integration.id,
        "revision": b"bench",
        "attributes": {"team": "Support"},
        "outcome": "linked",
        "first_seen_at": now - timedelta(days=3),
    }
    columns = ["remote_id", "user_id", "name", "email"]
    insert_rows(connection, table_of(Person), columns, rows, constants)
