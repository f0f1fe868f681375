"""No administrative change without its audit row, and no row without the change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.access.table import FORMS
from tests.access.test_walk import address
from tests.access.world import World, world
from tests.actors import Actor, deactivate, make_actor, make_contract
from webapp.accounts.profile.service import set_password
from webapp.core import contracts
from webapp.core.audit import log as audit_log
from webapp.core.database import write_transaction
from webapp.core.models import Account, AuditEvent, Contract, SignInSession, UserSync, db

_PLATFORM = "/c/<contract>/integrations/platforms/<platform>"
_SYNC = f"{_PLATFORM}/user-sync"

# What an administrator sends, in an order in which each changes something, and what is written down.
CHANGES = [
    (
        f"{_SYNC}/identifier",
        {},
        "user_sync.identifier_changed",
        {"column": {"before": None, "after": "email"}},
    ),
    (
        f"{_SYNC}/safeguard",
        {},
        "user_sync.safeguard_changed",
        {
            "losing, percent": {"before": 20, "after": 30},
            "losing, people": {"before": 5, "after": 6},
            "growing, percent": {"before": 50, "after": 60},
            "growing, people": {"before": 50, "after": 70},
        },
    ),
    (f"{_SYNC}/runs/<int:run_id>/reject", {}, "user_sync.rejected", None),
    (f"{_SYNC}/sync-now", {}, "user_sync.requested", None),
    (f"{_SYNC}/disable", {"running": "stop"}, "user_sync.disabled", {"running": "stop"}),
    (f"{_SYNC}/enable", {}, "user_sync.enabled", None),
    (f"{_PLATFORM}/other-account/<int:attempt_id>", {}, "integration.reconnected", None),
    (f"{_PLATFORM}/disconnect", {}, "integration.disconnected", None),
]


@pytest.fixture
def own(database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(database_url, redis_url, tmp_path_factory.mktemp("world")) as built:
        yield built


def rows(app: Flask) -> list[AuditEvent]:
    with app.app_context():
        return list(db.session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id)))


def send(own: World, rule: str, data: dict[str, Any]) -> Any:
    return own.actors["administrator"].post(
        address(own, rule, own.a), FORMS.get(rule, lambda _: {})(own.a) | data
    )


def test_each_change_writes_one_row_that_says_who_what_when_and_from_where(own: World) -> None:
    administrator = own.actors["administrator"]
    for rule, data, action, details in CHANGES:
        before = len(rows(own.app))
        answer = send(own, rule, data)
        assert answer.status_code == 302, rule
        written = rows(own.app)[before:]
        assert [row.action for row in written] == [action], rule
        row = written[0]
        assert row.contract_id == own.a.contract_id
        assert row.actor_id == administrator.account_id
        assert row.actor.startswith("Person ")
        assert row.address == "127.0.0.1"
        assert row.request_id == answer.headers["X-Request-Id"]
        assert row.target
        assert details is None or row.details == details


def test_what_changes_nothing_writes_no_row(own: World) -> None:
    for rule in (f"{_SYNC}/identifier", f"{_SYNC}/safeguard"):
        send(own, rule, {})
        before = len(rows(own.app))
        assert send(own, rule, {}).status_code == 302
        assert len(rows(own.app)) == before


def test_a_change_whose_row_cannot_be_written_is_not_made(
    own: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_options: object) -> None:
        raise RuntimeError("the audit log cannot be written")

    monkeypatch.setattr(audit_log, "record", broken)
    for rule, data, _, _ in CHANGES:
        if rule == f"{_SYNC}/enable":
            with own.app.app_context(), write_transaction() as session:
                session.execute(sa.update(UserSync).values(enabled=False))
        before = own.snapshot()
        assert send(own, rule, data).status_code == 500, rule
        assert own.snapshot() == before, rule


def test_a_row_of_a_change_that_was_undone_is_gone(app: Flask) -> None:
    contract_id = make_contract(app, "acme")
    before = len(rows(app))

    def undone() -> None:
        with app.app_context(), write_transaction() as session:
            contracts.set_licences(session, session.get_one(Contract, contract_id), 5)
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        undone()
    assert len(rows(app)) == before


def test_a_command_is_named_in_place_of_a_person(app: Flask) -> None:
    make_contract(app, "acme")
    app.test_cli_runner().invoke(args=["contract", "licences", "acme", "5"])
    row = rows(app)[-1]
    assert (row.action, row.actor, row.actor_id) == (
        "contract.licences_changed",
        "command: flask contract licences",
        None,
    )
    assert row.details == {"licences": {"before": 60, "after": 5}}
    assert (row.address, row.request_id) == (None, None)


def test_an_action_without_words_cannot_be_written(app: Flask) -> None:
    with app.app_context(), pytest.raises(KeyError), write_transaction() as session:
        audit_log.record(session, "unheard.of", "x", contract_id=None)


def test_a_long_target_is_cut_rather_than_losing_the_row(app: Flask) -> None:
    with app.app_context(), write_transaction() as session:
        audit_log.record(session, "contract.created", "x" * 1000, contract_id=None)
    assert rows(app)[-1].target == "x" * 255


def test_the_name_stays_when_the_person_is_gone(app: Flask) -> None:
    contract_id = make_contract(app, "acme")
    someone = make_actor(app, contract_id, "manager")
    someone.post("/sign-out")
    written = rows(app)[-1]
    deactivate(app, contract_id, someone.account_id)
    with app.app_context(), write_transaction() as session:
        session.execute(sa.update(Account).where(Account.id == someone.account_id).values(name="Another"))
    assert rows(app)[-1].actor == written.actor != "Another"


def test_setting_a_password_ends_sessions_and_is_written_down_in_each_contract(app: Flask) -> None:
    first, second = make_contract(app, "acme"), make_contract(app, "bolt")
    someone = make_actor(app, first, "manager", email="eva@example.com")
    make_actor(app, second, "manager", email="eva@example.com")
    with app.app_context(), write_transaction() as session:
        account = session.get_one(Account, someone.account_id)
        set_password(session, account, "another good pass phrase", app.extensions["settings"])
        assert session.scalar(sa.select(sa.func.count()).select_from(SignInSession)) == 0
    written = [row for row in rows(app) if row.action == "account.password_set"]
    assert [row.contract_id for row in written] == [first, second]
    assert {row.target for row in written} == {"eva@example.com"}
    assert "another good pass phrase" not in repr([vars(row) for row in written])


ANOTHER = (
    "INSERT INTO audit_events (id, at, actor, action, target) "
    "VALUES (1, '2026-01-01 00:00:00', 'Somebody', 'account.created', 'nothing')"
)


owned = pytest.mark.parametrize("database_url", ["sqlite", "postgres_owner"], indirect=True)  # who may try


@owned
@pytest.mark.parametrize(
    "change",
    [
        sa.update(AuditEvent).values(actor="Somebody else"),
        sa.delete(AuditEvent),
        sa.text("UPDATE audit_events SET target = 'nothing' WHERE id = 1"),
        sa.text("DELETE FROM audit_events WHERE id = 1"),
        sa.text(f"{ANOTHER} ON CONFLICT (id) DO UPDATE SET target = 'nothing'"),
    ],
    ids=str,
)
def test_the_database_itself_refuses_to_change_or_remove_a_row(app: Flask, change: sa.Executable) -> None:
    make_contract(app, "acme")
    before = [vars(row) | {"_sa_instance_state": None} for row in rows(app)]
    with (
        app.app_context(),
        pytest.raises(sa.exc.DBAPIError, match="audit rows"),
        write_transaction() as session,
    ):
        session.execute(change)
    assert [vars(row) | {"_sa_instance_state": None} for row in rows(app)] == before


@owned
@pytest.mark.parametrize(
    ("on_sqlite", "on_postgres"),
    [
        (ANOTHER.replace("INSERT", "REPLACE"), "TRUNCATE audit_events"),
        (ANOTHER.replace("INSERT", "INSERT OR REPLACE"), "TRUNCATE audit_events RESTART IDENTITY CASCADE"),
        ("UPDATE OR REPLACE audit_events SET id = 2 WHERE id = 1", "DELETE FROM audit_events WHERE false"),
    ],
)
def test_no_way_of_one_database_around_that_is_open(app: Flask, on_sqlite: str, on_postgres: str) -> None:
    make_contract(app, "acme")
    before = len(rows(app))
    with app.app_context():
        statement = on_sqlite if db.engine.dialect.name == "sqlite" else on_postgres
        with pytest.raises(sa.exc.DBAPIError, match="audit rows"), write_transaction() as session:
            session.execute(sa.text(statement))
    after = rows(app)
    assert (len(after), "nothing" in {row.target for row in after}) == (before, False)


def test_no_address_changes_or_removes_a_row(app: Flask) -> None:
    methods = {rule.rule: rule.methods for rule in app.url_map.iter_rules() if "audit" in rule.rule}
    assert methods == {
        "/c/<contract>/audit": {"GET", "HEAD", "OPTIONS"},
        "/c/<contract>/audit/export": {"POST", "OPTIONS"},  # adds the entry that says so
    }


def test_every_row_of_a_person_is_theirs(app: Flask) -> None:
    """A name typed into a form does not become who did it."""
    contract_id = make_contract(app, "acme")
    someone: Actor = make_actor(app, contract_id, "manager")
    someone.post("/sign-out", {"actor": "Somebody else", "actor_id": 1, "account_id": 99})
    assert rows(app)[-1].actor_id == someone.account_id
