"""``flask demo``: what ``make run`` starts with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

import config
import webapp
from tests.actors import sign_in
from tests.commands.conftest import Flasks
from tests.commands.test_account import can_sign_in
from webapp.accounts.sign_in.demo_accounts import DEMO_ACCOUNTS, DEMO_PASSWORD
from webapp.core.models import Account, AuditEvent, Team, db


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


@pytest.mark.parametrize("with_account", [False, True])
def test_A4_the_demo_adds_nothing_to_a_database_that_is_used_for_real(
    app: Flask, flask: Flasks, with_account: bool
) -> None:
    flask("contract", "create", "acme", "--name", "Acme", "--time-zone", "UTC", "--licences", "5")
    if with_account:
        words = ("account", "create-administrator", "acme", "ada@example.com", "--name", "Ada")
        assert flask(*words, "--password-stdin", typed="corkscrew lantern 88 fjord\n").code == 0
    before = everything(app)
    refused = flask("demo", "seed").refusal
    assert refused.startswith("This database was not made by the demo: it holds contracts or accounts")
    checked = flask("demo", "check")
    assert (checked.code, checked.out, checked.err) == (3, "", f"Error: {refused}\n")
    assert everything(app) == before


def test_A4_a_database_whose_demo_accounts_were_closed_is_used_for_real(app: Flask, flask: Flasks) -> None:
    flask("demo", "seed")
    assert flask("demo", "check").code == 0
    flask("demo", "close-accounts")
    assert flask("demo", "check").code == 3


def test_a_demo_goes_on_with_all_that_was_added_to_it(flask: Flasks) -> None:
    assert flask("demo", "check").code == 0
    flask("demo", "seed")
    flask("contract", "create", "acme", "--name", "Acme", "--time-zone", "UTC", "--licences", "5")
    assert flask("demo", "check").code == 0
    assert flask("demo", "seed").out == "The demo contract is there already.\n"


def test_an_empty_database_without_tables_may_become_the_demos(
    settings: config.Settings, tmp_path: Path
) -> None:
    app = webapp.create_app(replace(settings, database_url=f"sqlite:///{tmp_path}/new.db"))
    assert app.test_cli_runner().invoke(args=["demo", "check"]).exit_code == 0
    with app.app_context():
        db.engine.dispose()


def test_a_database_that_is_away_is_told_in_one_sentence(settings: config.Settings) -> None:
    app = webapp.create_app(replace(settings, database_url="postgresql+psycopg://127.0.0.1:9/x"))
    ended = app.test_cli_runner().invoke(args=["demo", "check"])
    assert (ended.exit_code, ended.stdout) == (3, "")
    assert ended.stderr.startswith("Error: The database cannot be used (")
    assert ended.stderr.endswith("). Check DATABASE_URL.\n")
