"""``flask demo``: what ``make run`` starts with."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask

from tests.actors import sign_in
from tests.commands.conftest import Flasks
from tests.commands.test_account import can_sign_in
from webapp.auth.demo_accounts import DEMO_ACCOUNTS, DEMO_PASSWORD
from webapp.models import Account, AuditEvent, Team, db


def everything(app: Flask) -> dict[str, list[tuple[object, ...]]]:
    with app.app_context(), db.engine.connect() as connection:
        return {
            table.name: [
                tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key))
            ]
            for table in db.metadata.sorted_tables
        }


def test_the_demo_has_two_contracts_three_accounts_and_a_structure(app: Flask, flask: Flasks) -> None:
    assert flask("demo", "seed").out == "Made the demo contract and its accounts.\n"
    listed = flask("contract", "list", "--json").json["contracts"]
    assert [
        (one["contract"], one["licences"], one["licences_used"], len(one["features"])) for one in listed
    ] == [
        ("demo", 60, 3, 1),
        ("demo-two", 20, 1, 0),
    ]
    accounts = flask("account", "list", "--json").json["accounts"]
    assert {one["email"]: one["contracts"] for one in accounts} == {
        "admin@demo.test": ["demo", "demo-two"],
        "manager@demo.test": ["demo"],
        "support@demo.test": ["demo"],
    }
    with app.app_context():
        levels = db.session.scalars(sa.select(Team.level).where(Team.name != "Kestrel Outdoor Nordics")).all()
    assert sorted(set(levels)) == [1, 2, 3, 4]
    assert len(levels) == 14
    assert can_sign_in(app, "admin@demo.test", DEMO_PASSWORD)


def test_seeding_again_changes_nothing(app: Flask, flask: Flasks) -> None:
    flask("demo", "seed")
    before = everything(app)
    assert flask("demo", "seed").out == "The demo contract is there already.\n"
    assert everything(app) == before


def test_each_demo_account_sees_what_its_role_may(app: Flask, flask: Flasks) -> None:
    flask("demo", "seed")
    with app.app_context():
        ids = {account.email: account.id for account in db.session.scalars(sa.select(Account))}
    lands = {
        email: sign_in(app, ids[email], email).client.get("/c/demo/").location
        for email in (account.email for account in DEMO_ACCOUNTS)
    }
    assert lands == {
        "admin@demo.test": "/c/demo/integrations/platforms",
        "manager@demo.test": "/c/demo/users",
        "support@demo.test": "/c/demo/sync-status",
    }


def test_closing_the_demo_accounts_ends_their_sessions_and_their_passwords(app: Flask, flask: Flasks) -> None:
    flask("demo", "seed")
    with app.app_context():
        account = db.session.scalars(sa.select(Account).where(Account.email == "admin@demo.test")).one()
    admin = sign_in(app, account.id, account.email)
    assert admin.get("/c/demo/users").status_code == 200

    assert flask("demo", "close-accounts").out == "Closed 3 demo accounts.\n"

    assert admin.get("/c/demo/users").status_code == 302
    assert not can_sign_in(app, "admin@demo.test", DEMO_PASSWORD)
    with app.app_context():
        closed = db.session.execute(
            sa.select(AuditEvent.target, AuditEvent.contract_id).where(AuditEvent.action == "account.closed")
        ).all()
    assert len(closed) == 4  # one for each contract of each account
    assert flask("demo", "close-accounts").out == "Closed 0 demo accounts.\n"
