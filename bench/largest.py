"""The most that a contract can hold: the world of the tests' walk over every route, with one contract made large."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.orm import Session

from tests.access.world import World
from webapp.core.bulk_rows import insert_rows
from webapp.core.database import write_transaction
from webapp.core.match_keys import USER_KEYS, user_keys
from webapp.core.models import (
    Activation,
    AuditEvent,
    Base,
    Contract,
    Exclusion,
    Message,
    Person,
    ReportingAccess,
    Role,
    SyncChange,
    SyncRequest,
    SyncRun,
    Team,
    User,
    UserRole,
    UserTeam,
    UserUpload,
    table_of,
    utcnow,
)
from webapp.people.uploads.parse import MAX_ROWS, read

TEAMS = 500
TEAM_NAME = 200  # characters
LEVELS = 6  # below the top
ROWS = 20_000  # users, log entries, lines of a run
FEW = 2_000  # conflicts, exclusions, runs, mails, activations


@dataclass(frozen=True)
class Largest:
    """The large contract: who is in it, and what forms of its pages are filled in with."""

    world: World
    pending: list[int]
    active: list[int]
    team_names: list[str]
    agent_id: int


def noise(length: int, seed: int) -> str:
    """Text in which much is alike."""
    return "".join(random.Random(seed).choices("ab ", k=length)).strip().ljust(length, "b")


def file_of_users() -> bytes:
    """As many rows as a file may have, each with names of teams that there are not."""
    head = "name,username,email,roles,team,reporting access\n"
    return (head + "".join(
        f"Person {n},new{n},new{n}@acme.example,Agent,{noise(TEAM_NAME, n)},{noise(TEAM_NAME, n + ROWS)}\n"
        for n in range(MAX_ROWS)
    )).encode()  # fmt: skip


def fill(world: World) -> Largest:
    """Make the contract ``a`` of ``world`` large."""
    with world.app.app_context(), write_transaction() as session:
        names = _teams(session, world)
        pending, active = _users(session, world, "pending"), _users(session, world, "active")
        agent = session.scalars(
            sa.select(Role.id).where(Role.contract_id == world.a.contract_id, Role.key == "agent")
        ).one()
        _set_ups(session, world, active, agent)
        _runs(session, world)
        _log(session, world, active)
        _rest(session, world, active)
        contract = sa.update(Contract).where(Contract.id == world.a.contract_id)
        session.execute(contract.values(licences=2 * ROWS))
    with world.app.app_context(), write_transaction() as session:
        session.execute(sa.text("ANALYZE"))
    return Largest(world, pending, active, names, agent)


def _insert(
    session: Session, model: type[Base], rows: Sequence[Sequence[Any]], *columns: str, **constants: Any
) -> None:
    insert_rows(session.connection(), table_of(model), columns, rows, constants)


def _teams(session: Session, world: World) -> list[str]:
    parent, names = world.a.top_team_id, []
    for number in range(TEAMS):
        if number % LEVELS == 0:
            parent = world.a.top_team_id
        names.append(f"{noise(TEAM_NAME - 6, number)}{number:06}")
        level = 2 + number % LEVELS
        team = Team(contract_id=world.a.contract_id, parent_id=parent, level=level, name=names[-1])
        session.add(team)
        session.flush()
        parent = team.id
    return names


def _users(session: Session, world: World, status: str) -> list[int]:
    rows = []
    for number in range(ROWS // 2):
        name = f"Person {status} {number:05} {noise(40, number)}"
        values: dict[str, str] = {
            "name": name,
            "username": f"{status}{number}@acme.example",
            "email": f"{status}{number}@acme.example",
            "third_party_id": f"{status}-{number}",
        }
        rows.append((*values.values(), *user_keys(**values).values()))
    now = utcnow()
    _insert(
        session, User, rows, "name", "username", "email", "third_party_id", *USER_KEYS,
        contract_id=world.a.contract_id, status=status, status_since=now, created_at=now, changed_at=now,
    )  # fmt: skip
    found = session.scalars(
        sa.select(User.id)
        .where(User.contract_id == world.a.contract_id, User.third_party_key.like(f"{status}-%"))
        .order_by(User.id)
    )
    ids = list(found)
    columns = {"columns": {f"column_{n}": "value" for n in range(20)}, "team": noise(60, 1)}
    _insert(
        session, Person,
        [(user, f"{status}{user}", user.to_bytes(16), f"Person {user}", f"{user}@acme.example") for user in ids],
        "user_id", "remote_id", "revision", "name", "email",
        contract_id=world.a.contract_id, integration_id=world.a.integration_id, attributes=columns, outcome="linked",
        first_seen_at=now,
    )  # fmt: skip
    return ids


def _set_ups(session: Session, world: World, active: list[int], agent: int) -> None:
    contract = world.a.contract_id
    teams = session.scalars(sa.select(Team.id).where(Team.contract_id == contract, Team.level > 1)).all()
    _insert(session, UserRole, [(user, agent) for user in active], "user_id", "role_id", contract_id=contract)
    placed = [(user, teams[user % len(teams)]) for user in active]
    _insert(session, UserTeam, placed, "user_id", "team_id", contract_id=contract)
    seen = [(user, teams[(user + n) % len(teams)]) for user in active[:1_000] for n in range(20)]
    _insert(session, ReportingAccess, seen, "user_id", "team_id", contract_id=contract)


def _runs(session: Session, world: World) -> None:
    now = utcnow()
    for run in (world.a.run_id, world.a.held_id):
        lines = [
            (
                f"r{n}",
                f"Person {n} {noise(200, n)}",
                f"{n}@acme.example",
                kind,
                noise(200, n),
                noise(200, n + 1),
            )
            for n, kind in zip(
                range(ROWS), ("imported", "renamed", "missing", "returned") * ROWS, strict=False
            )
        ]
        _insert(
            session,
            SyncChange,
            lines,
            "remote_id",
            "person_name",
            "person_email",
            "kind",
            "before",
            "after",
            run_id=run,
        )
        calls = [(f"/{'x' * 400}{n}",) for n in range(FEW)]
        _insert(
            session, SyncRequest, calls, "path", run_id=run, at=now, method="GET", status=200, milliseconds=3
        )
    _insert(
        session, SyncRun, [(now - timedelta(hours=n + 5),) for n in range(FEW)], "queued_at",
        contract_id=world.a.contract_id, integration_id=world.a.integration_id, trigger="schedule", state="completed",
        attempt=1, interruptions=0, fence=0, done=0, found=1, imported=1, linked=0, renamed=0, unchanged=0, left_out=0,
        conflicts=0, missing=0, returned=0, removed=0, unlinked=0, approved=False, preview=False, proposed=False,
        lines_left=False, finished_at=now, started_at=now,
    )  # fmt: skip


def _log(session: Session, world: World, active: list[int]) -> None:
    now = utcnow()
    everybody = {"users": [noise(200, n) for n in range(50)], "ids": f"{active[0]}-{active[-1]}"}
    scattered = {"users": ["x"], "ids": ", ".join(map(str, active[::2]))}
    rows = [
        (now - timedelta(seconds=n), noise(200, n), details)
        for n, details in zip(range(ROWS), [everybody, *[None] * 9] * ROWS, strict=False)
    ]
    _insert(
        session, AuditEvent, [*rows, *[(now, "x", scattered)] * 20], "at", "target", "details",
        contract_id=world.a.contract_id, actor="Somebody", action="users.activated", target_type="users",
    )  # fmt: skip


def _rest(session: Session, world: World, active: list[int]) -> None:
    now, contract = utcnow(), world.a.contract_id
    both = {"contract_id": contract, "integration_id": world.a.integration_id}
    detail = {"value": noise(60, 1), "candidates": active[:20]}
    torn = [(f"torn{n}", n.to_bytes(16), f"Torn {n} {noise(200, n)}") for n in range(FEW)]
    _insert(
        session, Person, torn, "remote_id", "revision", "name",
        **both, attributes={}, outcome="conflict", reason="several_users", detail=detail, first_seen_at=now,
    )  # fmt: skip
    out = [(f"out{n}", noise(200, n)) for n in range(FEW)]
    _insert(
        session,
        Exclusion,
        out,
        "value",
        "label",
        **both,
        kind="person",
        created_at=now,
        created_by="Somebody",
    )
    _insert(
        session, Message, [(noise(190, n),) for n in range(FEW)], "subject",
        contract_id=contract, purpose="incident", recipient="a@acme.example", text="x" * 2_000, state="sent",
        created_at=now, attempts=1, next_try_at=now, sent_at=now,
    )  # fmt: skip
    session.execute(
        sa.update(Activation)
        .where(Activation.id == world.a.activation_id)
        .values(
            people=len(active),
            given=[{"ids": f"{active[0]}-{active[-1]}", "roles": [], "team": None, "access": []}],
            before=[
                {"ids": f"{active[0]}-{active[-1]}", "since": now.isoformat(), "left": None, "account": False}
            ],
        )
    )
    sheet = msgspec.to_builtins(read(file_of_users()))
    session.execute(sa.update(UserUpload).where(UserUpload.id == world.a.upload_id).values(sheet=sheet))
