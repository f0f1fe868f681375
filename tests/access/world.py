"""Two contracts full of things with ids, and everyone who might come by, each with a browser of their own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

import config
import webapp
from tests.actors import Actor, deactivate, make_actor, make_contract, make_support
from webapp.core import credentials
from webapp.core.database import write_transaction
from webapp.core.match_keys import user_keys
from webapp.core.models import (
    Activation,
    ConnectAttempt,
    Decision,
    Exclusion,
    Integration,
    Merge,
    MergeProposal,
    Person,
    Question,
    Role,
    SignInSession,
    SyncChange,
    SyncRequest,
    SyncRun,
    Team,
    User,
    UserSync,
    UserUpload,
    Webhook,
    db,
    utcnow,
)
from webapp.notifications.mail import outbox
from webapp.people.uploads.parse import read

ROLES = ("administrator", "manager", "team_leader", "quality_analyst", "agent", "system_access")
ACTORS = ("anon", *ROLES, "off", "other", "both", "helper", "starter")
NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens there


@dataclass(frozen=True)
class Things:
    """One contract and the ids of what is in it. Its slug is part of every name there."""

    slug: str
    contract_id: int
    run_id: int
    held_id: int
    pending_id: int
    active_id: int
    attempt_id: int
    second_attempt_id: int
    person_id: int
    decision_id: int
    exclusion_id: int
    message_id: int
    other_id: int
    proposal_id: int
    merge_id: int
    question_id: int
    integration_id: int
    session_id: int
    activation_id: int
    top_team_id: int
    team_id: int
    role_id: int
    upload_id: int

    def values(self, rule_arguments: set[str]) -> dict[str, object]:
        """A value for each of ``rule_arguments``. KeyError for one that nobody thought of."""
        known: dict[str, object] = {
            "contract": self.slug,
            "platform": "intercom",
            "run_id": self.held_id,
            "other_id": self.run_id,
            "question_id": self.question_id,
            "user": self.pending_id,
            "attempt_id": self.attempt_id,
            "person_id": self.person_id,
            "decision_id": self.decision_id,
            "exclusion_id": self.exclusion_id,
            "message_id": self.message_id,
            "other": self.other_id,
            "proposal_id": self.proposal_id,
            "merge_id": self.merge_id,
            "integration_id": self.integration_id,
            "session_id": self.session_id,
            "activation_id": self.activation_id,
            "team_id": self.team_id,
            "role_id": self.role_id,
            "upload_id": self.upload_id,
            "filename": "css/theme.css",
        }
        return {name: known[name] for name in rule_arguments}


@dataclass(frozen=True)
class World:
    """``a`` is the contract the roles belong to, ``b`` the other one.

    ``off`` was an administrator of a; ``other`` is one of b; ``both`` has System Access in a and is an
    administrator of b. ``helper`` and ``starter`` are platform-wide support in no contract; only ``starter`` may
    start syncs.
    """

    app: Flask
    a: Things
    b: Things
    actors: dict[str, Actor]

    def snapshot(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every table, but for the moments that sessions were last used."""
        with self.app.app_context(), db.engine.connect() as connection:
            return {
                table.name: sorted(
                    (tuple(row) for row in connection.execute(sa.select(*_kept(table)))), key=repr
                )
                for table in db.metadata.sorted_tables
            }


@contextmanager
def world(database_url: str, redis_url: str, data_dir: Path) -> Iterator[World]:
    """The world upon a migrated, empty database."""
    settings = config.test_settings(
        database_url=database_url,
        redis_url=redis_url,
        data_dir=data_dir,
        intercom=config.OAuthClient("id", "secret", NOWHERE, f"{NOWHERE}/oauth", sandbox=True),
        webhook_loopback=True,
    )
    app = webapp.create_app(settings)
    contract_a, contract_b = make_contract(app, "amarok"), make_contract(app, "borealis")
    actors = {role: make_actor(app, contract_a, role, email=f"{role}@example.com") for role in ROLES}
    actors["off"] = make_actor(app, contract_a, "administrator", email="off@example.com")
    actors["other"] = make_actor(app, contract_b, "administrator", email="other@example.com")
    actors["both"] = make_actor(app, contract_a, "system_access", email="both@example.com")
    make_actor(app, contract_b, "administrator", email="both@example.com")
    actors["helper"] = make_support(app, "helper@example.com")
    actors["starter"] = make_support(app, "starter@example.com", may_sync=True)
    actors["anon"] = Actor(app.test_client(), 0, "")
    deactivate(app, contract_a, actors["off"].account_id)
    a = _fill(app, contract_a, "amarok", actors["administrator"])
    b = _fill(app, contract_b, "borealis", actors["other"])
    yield World(app, a, b, actors)
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def _kept(table: sa.Table) -> list[sa.Column[object]]:
    return [
        column
        for column in table.columns
        if column.name != "last_seen_at"  # of sessions and users
    ]


def _hold(marker: str) -> dict[str, object]:
    return {"known": 9, "found": 1, "gone": 8, "percent": 20, "people": 5, "names": [f"Pia of {marker}"]}


def _fill(app: Flask, contract_id: int, marker: str, administrator: Actor) -> Things:
    now = utcnow()
    with app.app_context(), write_transaction() as session:
        integration = Integration(contract_id=contract_id, platform="intercom", connection="not_connected")
        integration.user_sync = UserSync(
            enabled=True,
            enabled_at=now - timedelta(days=1),
            next_run_at=now + timedelta(hours=3),
            last_success_at=now - timedelta(hours=3),
            columns_seen=[
                {
                    "name": "email",
                    "filled": 1,
                    "total": 1,
                    "distinct": 1,
                    "example": f"pia@{marker}.example.com",
                }
            ],
            columns_seen_at=now - timedelta(hours=3),
        )
        session.add(integration)
        session.flush()
        integration.credentials = credentials.seal(integration, {"access_token": f"token-of-{marker}"})
        integration.connection = "connected"
        integration.site = "us"
        integration.remote_account_id = integration.remote_account_name = f"{marker} workspace"
        integration.connected_at = now - timedelta(days=1)

        runs = []
        for state in ("completed", "held"):
            run = SyncRun(
                contract_id=contract_id,
                integration_id=integration.id,
                trigger="schedule",
                state=state,
                queued_at=now - timedelta(hours=4),
                started_at=now - timedelta(hours=4),
                finished_at=now - timedelta(hours=4) + timedelta(seconds=2),
                found=1,
                imported=1,
                message=f"a run of {marker}",
                hold=_hold(marker) if state == "held" else None,
            )
            session.add(run)
            session.flush()
            runs.append(run.id)

        pending = _user(session, contract_id, "pending", f"Pia of {marker}", integration.id)
        active = _user(session, contract_id, "active", f"Ada of {marker}", integration.id)
        session.add_all(
            [
                Person(
                    contract_id=contract_id,
                    integration_id=integration.id,
                    remote_id="1",
                    revision=b"0" * 16,
                    name=f"Pia of {marker}",
                    email=pending.email,
                    attributes={},
                    outcome="linked",
                    user_id=pending.id,
                    first_seen_at=now - timedelta(hours=4),
                ),
                SyncChange(
                    run_id=runs[0],
                    kind="imported",
                    remote_id="1",
                    person_name=f"Pia of {marker}",
                    person_email=pending.email,
                    user_id=pending.id,
                    after=f"Pia of {marker}",
                ),
                SyncRequest(
                    run_id=runs[0],
                    at=now,
                    method="GET",
                    path=f"/admins?of={marker}",
                    status=200,
                    milliseconds=3,
                ),
            ]
        )
        choices = _choices(session, contract_id, integration.id, marker)
        attempts = [
            _another_account(session, contract_id, f"{marker}{number}", administrator) for number in (1, 2)
        ]
        twins = _twins(session, pending, integration.id, marker)
        message = outbox.queue(
            session,
            to="pia@example.com",
            subject=f"A run of {marker} is held",
            text=f"Somebody of {marker} has to decide.\n",
            contract_id=contract_id,
            purpose="incident",
        )
        session.add(
            Webhook(
                contract_id=contract_id,
                url=f"{NOWHERE}/{marker}",
                events=["run.held"],
                secret=credentials.seal_for(["webhook", contract_id], {"secret": f"whsec_{marker}"}),
            )
        )
        question = Question(
            contract_id=contract_id,
            integration_id=integration.id,
            text=f"Pia of {marker}",
            asked_by="somebody",
            state="answered",
            answer={
                "account": f"{marker} workspace",
                "found": 1,
                "fit": "exact",
                "people": [{"remote_id": "1", "name": f"Pia of {marker}", "kind": "unchanged"}],
            },
        )
        activation = Activation(
            contract_id=contract_id,
            at=now - timedelta(hours=1),
            by="somebody",
            before_status="pending",
            people=1,
            first_name=active.name,
            given=[{"ids": str(active.id), "roles": [], "team": None, "access": []}],
            before=[{"ids": str(active.id), "since": now.isoformat(), "left": None, "account": False}],
        )
        upload = UserUpload(
            contract_id=contract_id,
            account_id=administrator.account_id,
            uploaded_by=f"Uma of {marker}",
            file_name=f"staff of {marker}.csv",
            sheet=msgspec.to_builtins(
                read(f"name,username,role,x\nUl of {marker},ul,,\nUm of {marker},ummo,,\n".encode())
            ),
        )
        session.add_all([question, activation, upload])
        session.flush()
        return Things(
            marker,
            contract_id,
            *runs,
            pending.id,
            active.id,
            *attempts,
            *choices,
            message.id,
            *twins,
            question.id,
            integration.id,
            _second_browser(session, administrator, marker),
            activation.id,
            *_team_and_role(session, contract_id, marker),
            upload.id,
        )


def _user(session: Session, contract_id: int, status: str, name: str, integration_id: int) -> User:
    address = f"{name.replace(' ', '.').lower()}@example.com"
    user = User(
        contract_id=contract_id,
        status=status,
        name=name,
        username=address,
        email=address,
        source_integration_id=integration_id,
        **user_keys(name=name, username=address, email=address, third_party_id=None),
    )
    session.add(user)
    session.flush()
    return user


def _twins(session: Session, pending: User, integration_id: int, marker: str) -> list[int]:
    """Somebody like the pending user, the proposal to merge the two, and a merge made before; their ids."""
    contract_id = pending.contract_id
    twin = _user(session, contract_id, "inactive", f"Twin of {marker}", integration_id)
    gone = _user(session, contract_id, "merged", f"Gone of {marker}", integration_id)
    twin.email, twin.email_key = pending.email, pending.email_key
    proposal = MergeProposal(
        contract_id=contract_id, first_id=pending.id, second_id=twin.id, evidence=["email"], strong=True
    )
    merge = Merge(
        contract_id=contract_id,
        kept_id=pending.id,
        gone_id=gone.id,
        gone_name=gone.name,
        before={
            "gone": {
                "status": "inactive",
                "status_since": utcnow().isoformat(),
                "account_id": None,
                "roles": [],
                "teams": [],
                "access": [],
            },
            "filled": {},
            "people": [],
            "released": [],
            "decisions": [],
        },
        merged_by="somebody",
    )
    session.add_all([proposal, merge])
    session.flush()
    return [twin.id, proposal.id, merge.id]


def _choices(session: Session, contract_id: int, integration_id: int, marker: str) -> list[int]:
    """Somebody in conflict, a decision and an exclusion; their ids."""
    common = {"contract_id": contract_id, "integration_id": integration_id}
    rows = [
        Person(
            **common,
            remote_id="2",
            revision=b"1" * 16,
            name=f"Torn of {marker}",
            attributes={},
            outcome="conflict",
            reason="several_users",
            detail={"candidates": []},
        ),
        Decision(
            **common,
            remote_id="3",
            person_name=f"Decided of {marker}",
            reason="same_value",
            decided_by="somebody",
        ),
        Exclusion(**common, kind="person", value="4", label=f"Out of {marker}", created_by="somebody"),
    ]
    session.add_all(rows)
    session.flush()
    return [row.id for row in rows]


def _second_browser(session: Session, administrator: Actor, marker: str) -> int:
    """A session of the administrator in another browser; its id."""
    now = utcnow()
    row = SignInSession(
        token_hash=marker.ljust(64, "0"),
        account_id=administrator.account_id,
        created_at=now,
        last_seen_at=now,
        expires_at=now + timedelta(hours=12),
        address="192.0.2.7",
        user_agent="Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
    )
    session.add(row)
    session.flush()
    return row.id


def _team_and_role(session: Session, contract_id: int, marker: str) -> list[int]:
    """The top team, one below it, and a role, both without people; their ids."""
    top = session.scalars(sa.select(Team.id).where(Team.contract_id == contract_id, Team.level == 1)).one()
    rows = [
        Team(contract_id=contract_id, parent_id=top, level=2, name=f"Team of {marker}"),
        Role(contract_id=contract_id, name=f"Role of {marker}"),
    ]
    session.add_all(rows)
    session.flush()
    return [top, *(row.id for row in rows)]


def _another_account(session: Session, contract_id: int, name: str, administrator: Actor) -> int:
    """A round that opened another account and waits for the administrator's decision; its id."""
    now = utcnow()
    attempt = ConnectAttempt(
        state_hash=name.ljust(64, "0"),
        sign_in_session_id=session.scalars(
            sa.select(SignInSession.id).where(SignInSession.account_id == administrator.account_id)
        ).one(),
        contract_id=contract_id,
        platform="intercom",
        details={},
        expires_at=now + timedelta(hours=1),
        used_at=now,
    )
    session.add(attempt)
    session.flush()
    attempt.details = {
        "site": "us",
        "sealed": credentials.seal_for(["attempt", attempt.id], {"access_token": f"token-of-{name}"}),
        "account": {"id": name, "name": f"workspace {name}", "site": "us"},
        "granted_by": None,
    }
    return attempt.id
