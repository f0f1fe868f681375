"""``flask account``: the first administrator, passwords, and who can sign in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.actors import PASSWORD, csrf_of, make_actor, make_contract
from tests.commands.conftest import Flasks
from tests.mails import mails
from tests.users.test_licences import at_once
from webapp.accounts.sign_in import links
from webapp.core import account_links
from webapp.core.database import write_transaction
from webapp.core.match_keys import user_keys
from webapp.core.models import (
    Account,
    AccountLink,
    AuditEvent,
    Contract,
    ReportingAccess,
    User,
    UserRole,
    db,
    utcnow,
)

ANA = ("account", "create-administrator", "acme", "ana@example.com")
TYPED = f"{PASSWORD}\n"
LONG_AGO = datetime(2025, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def contract_id(app: Flask) -> int:
    return make_contract(app, "acme", licences=2)


def can_sign_in(app: Flask, email: str, password: str) -> bool:
    client = app.test_client()
    form = {"csrf_token": csrf_of(client.get("/sign-in")), "email": email, "password": password}
    client.post("/sign-in", data=form)
    return client.get("/").status_code in (200, 302) and client.get("/sign-in").status_code == 302


@pytest.mark.usefixtures("contract_id")
def test_the_first_administrator_can_sign_in_and_do_everything(app: Flask, flask: Flasks) -> None:
    ended = flask(*ANA, "--name", "Ana Oliveira", "--password-stdin", typed=TYPED)
    assert (ended.code, ended.out) == (0, "ana@example.com is now an administrator of Contract acme.\n")
    assert can_sign_in(app, "Ana@Example.com", PASSWORD)
    with app.app_context():
        user = db.session.scalars(sa.select(User)).one()
        assert (user.status, user.name, user.username, user.email) == (
            "active",
            "Ana Oliveira",
            "ana@example.com",
            "ana@example.com",
        )
        assert db.session.scalar(sa.select(sa.func.count()).select_from(ReportingAccess)) == 1
        actions = db.session.scalars(sa.select(AuditEvent.action).order_by(AuditEvent.id)).all()
        assert actions[-3:-1] == ["account.created", "users.activated"]


@pytest.mark.usefixtures("contract_id")
def test_name_and_password_are_asked_for(app: Flask, flask: Flasks) -> None:
    ended = flask(*ANA, "--json", typed=f"Ana Oliveira\n{PASSWORD}\n{PASSWORD}\n")
    assert ended.json["changed"] is True  # what is asked is not among the JSON
    assert "Password (at least 12 characters)" in ended.err
    assert PASSWORD not in ended.out + ended.err
    assert can_sign_in(app, "ana@example.com", PASSWORD)


@pytest.mark.usefixtures("contract_id")
@pytest.mark.parametrize(
    ("words", "typed", "says"),
    [
        (ANA, "", "Give it with --name."),
        ((*ANA, "--name", "Ana"), "", "Give it with --password-stdin, on the first line of standard input."),
        (ANA, "Ana\n", "Give it with --password-stdin, on the first line of standard input."),
    ],
)
def test_B16_without_a_terminal_a_command_says_which_option_to_give(
    app: Flask, flask: Flasks, words: tuple[str, ...], typed: str, says: str
) -> None:
    ended = flask(*words, typed=typed)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.endswith(f"\nError: Nobody answered, as there is no terminal to ask at. {says}\n")
    assert "Aborted" not in ended.err
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Account)) == 0


@pytest.mark.usefixtures("contract_id")
def test_B16_setting_a_password_without_a_terminal_says_the_same(app: Flask, flask: Flasks) -> None:
    flask(*ANA, "--name", "Ana", "--password-stdin", typed=TYPED)
    ended = flask("account", "set-password", "ana@example.com", typed="")
    assert (ended.code, "--password-stdin" in ended.err) == (1, True)
    assert can_sign_in(app, "ana@example.com", PASSWORD)


@pytest.mark.usefixtures("contract_id")
def test_two_who_make_the_same_administrator_at_once_both_succeed(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.commands.account._password", lambda _: PASSWORD)  # there is one stdin for all

    def run() -> object:
        words = [*ANA, "--name", "Ana", "--json"]
        return app.test_cli_runner().invoke(args=words, catch_exceptions=False).exit_code

    assert at_once([run] * 4) == [0] * 4
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Account)) == 1
        assert db.session.scalars(sa.select(User.status)).all() == ["active"]


@pytest.mark.usefixtures("contract_id")
def test_doing_it_again_changes_nothing(app: Flask, flask: Flasks) -> None:
    flask(*ANA, "--name", "Ana", "--password-stdin", typed=TYPED)
    ended = flask(*ANA)
    assert (ended.code, ended.out) == (
        0,
        "ana@example.com is already an administrator of Contract acme. Nothing was changed.\n",
    )
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(User)) == 1


def test_an_account_of_another_contract_keeps_its_password(
    app: Flask, flask: Flasks, contract_id: int
) -> None:
    make_actor(app, make_contract(app, "bolt"), "agent", email="ana@example.com")
    ended = flask(*ANA)
    assert ended.out == "ana@example.com is now an administrator of Contract acme.\n"
    assert can_sign_in(app, "ana@example.com", PASSWORD)


def test_somebody_active_gets_the_role_and_is_not_said_to_be_activated(
    app: Flask, flask: Flasks, contract_id: int
) -> None:
    make_actor(app, contract_id, "agent", email="ana@example.com")
    assert flask(*ANA).out == "ana@example.com is now an administrator of Contract acme.\n"
    with app.app_context():
        event = db.session.scalars(sa.select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
    assert (event.action, event.details) == (
        "users.edited",
        {"roles": {"before": ["Agent"], "after": ["Agent", "Administrator"]}},
    )


def test_somebody_inactive_or_ignored_is_active_from_that_moment(
    app: Flask, flask: Flasks, contract_id: int
) -> None:
    for status in ("inactive", "ignored"):
        email = f"{status}@example.com"
        account_id = make_actor(app, contract_id, "agent", email=email).account_id
        flask("contract", "licences", "acme", "9")
        with app.app_context(), write_transaction() as session:
            user = session.scalars(sa.select(User).where(User.account_id == account_id)).one()
            user.status, user.status_since, user.left_since = status, LONG_AGO, LONG_AGO
            session.execute(sa.delete(UserRole).where(UserRole.user_id == user.id))
        assert "is now an administrator" in flask(*ANA[:3], email).out
        with app.app_context():
            user = db.session.scalars(sa.select(User).where(User.account_id == account_id)).one()
        assert (user.status, user.left_since) == ("active", None)
        assert user.status_since > LONG_AGO


def test_who_cannot_sign_in_is_not_made_an_administrator_unseen(
    app: Flask, flask: Flasks, contract_id: int
) -> None:
    make_actor(app, make_contract(app, "bolt"), "agent", email="ana@example.com")
    flask("account", "close", "ana@example.com")
    refused = flask(*ANA).refusal
    assert refused == "ana@example.com is closed. Open it first: flask account reopen ana@example.com."
    flask("account", "reopen", "ana@example.com")
    assert flask(*ANA).out == (
        "ana@example.com is now an administrator of Contract acme. "
        "They have no password yet: flask account set-password ana@example.com.\n"
    )


def test_a_username_that_somebody_else_has_is_said(app: Flask, flask: Flasks, contract_id: int) -> None:
    holder = make_actor(app, contract_id, "agent", email="eva@example.com")
    with app.app_context(), write_transaction() as session:
        user = session.scalars(sa.select(User).where(User.account_id == holder.account_id)).one()
        user.username, user.username_key = "ANA@example.com", "ana@example.com"
    refused = flask(*ANA, "--name", "Ana", "--password-stdin", typed=TYPED).refusal
    assert refused == f"{user.name} has the username ana@example.com in Contract acme. Change that first."
    assert flask("account", "list", "--json").json["accounts"][0]["email"] == "eva@example.com"


def test_someone_a_sync_imported_becomes_the_administrator(
    app: Flask, flask: Flasks, contract_id: int
) -> None:
    with app.app_context(), write_transaction() as session:
        keys = user_keys(
            name="Ana O.", username="ANA@example.com", email="ANA@example.com", third_party_id=None
        )
        session.add(
            User(
                contract_id=contract_id,
                status="pending",
                name="Ana O.",
                username="ANA@example.com",
                email="ANA@example.com",
                **keys,
            )
        )
    flask(*ANA, "--name", "Ana Oliveira", "--password-stdin", typed=TYPED)
    with app.app_context():
        user = db.session.scalars(sa.select(User)).one()
        assert (user.status, user.name) == ("active", "Ana O.")
        assert user.account_id is not None


REFUSED: list[tuple[str, str, str, str]] = [
    ("not an address", "Ana", PASSWORD, "“not an address” is not an email address."),
    ("", "Ana", PASSWORD, "“” is not an email address."),
    ("ana@localhost", "Ana", PASSWORD, "“ana@localhost” is not an email address."),
    ("ana@example.com", "  ", PASSWORD, "The name must have 1 to 255 characters."),
    ("ana@example.com", "x" * 256, PASSWORD, "The name must have 1 to 255 characters."),
    ("ana@example.com", "Ana\x1b[2J", PASSWORD, "Take out the characters that cannot be seen."),
    ("ana@example.com", "Ana", "too short", "Use at least 12 characters."),
    ("ana@example.com", "Ana", "", "Use at least 12 characters."),
    ("ana@example.com", "Ana", "ana@example.com", "Leave “ana@example.com” out of the password"),
    ("ana@example.com", "Ana", "x" * 300, "Use at most 256 characters."),
]


@pytest.mark.usefixtures("contract_id")
def test_an_account_that_cannot_be_is_refused_in_one_sentence(app: Flask, flask: Flasks) -> None:
    for email, name, password, says in REFUSED:
        ended = flask(*ANA[:3], email, "--name", name, "--password-stdin", typed=f"{password}\n")
        assert ended.refusal.startswith(says)
        assert password not in ended.err or password in ("", "ana@example.com")
    with app.app_context():
        assert db.session.scalars(sa.select(Account)).all() == []
        assert db.session.scalars(sa.select(User)).all() == []


@pytest.mark.usefixtures("contract_id")
def test_a_new_account_needs_a_name(flask: Flasks) -> None:
    assert flask(*ANA, "--password-stdin", typed=TYPED).refusal == "Give the new account a name with --name."


def test_without_a_free_licence_nobody_is_made(app: Flask, flask: Flasks, contract_id: int) -> None:
    for _ in range(2):
        make_actor(app, contract_id, "agent")
    ended = flask(*ANA, "--name", "Ana", "--password-stdin", typed=TYPED)
    assert ended.refusal == (
        "All 2 licences of Contract acme are in use. Add one first: flask contract licences acme 3."
    )
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Account)) == 2


def test_a_new_password_ends_every_session(app: Flask, flask: Flasks, contract_id: int) -> None:
    someone = make_actor(app, contract_id, "manager", email="eva@example.com")
    assert someone.get("/c/acme/users").status_code == 200

    ended = flask(
        "account", "set-password", "EVA@example.com", "--password-stdin", typed="a new good pass phrase\r\n"
    )

    assert (ended.code, ended.out) == (
        0,
        "The password of eva@example.com is set. Its sessions have ended.\n",
    )
    assert someone.get("/c/acme/users").status_code == 302
    assert not can_sign_in(app, "eva@example.com", PASSWORD)
    assert can_sign_in(app, "eva@example.com", "a new good pass phrase")
    assert [mail.subject for mail in mails(app, to="eva@example.com")] == [
        "Rollcall: Your password was changed"
    ]


def test_a_refused_password_changes_nothing(app: Flask, flask: Flasks, contract_id: int) -> None:
    someone = make_actor(app, contract_id, "manager", email="eva@example.com")
    ended = flask("account", "set-password", "eva@example.com", "--password-stdin", typed="short\n")
    assert ended.refusal.startswith("Use at least 12 characters.")
    assert someone.get("/c/acme/users").status_code == 200
    assert flask("account", "set-password", "nobody@example.com").refusal == (
        "There is no account nobody@example.com. See flask account list."
    )


def test_accounts_are_listed_with_their_contracts(app: Flask, flask: Flasks, contract_id: int) -> None:
    assert flask("account", "list").out == (
        "There is no account yet. Make one with flask account create-administrator.\n"
    )
    make_actor(app, contract_id, "manager", email="eva@example.com")
    make_actor(app, make_contract(app, "bolt"), "agent", email="eva@example.com")
    with app.app_context():
        from webapp.accounts.sign_in import accounts

        with write_transaction() as session:
            closed = accounts.create_account(session, email="old@example.com", name="Old", password=PASSWORD)
            accounts.close(session, closed)
        eva = db.session.scalars(sa.select(Account.name).where(Account.email == "eva@example.com")).one()
    assert flask("account", "list").out == (
        f"eva@example.com  {eva}  contracts: acme, bolt\n"
        "old@example.com  Old  contracts: none  cannot sign in\n"
    )
    assert flask("account", "list", "--json").json == {
        "accounts": [
            {
                "email": "eva@example.com", "name": eva, "contracts": ["acme", "bolt"], "can_sign_in": True,
                "support": None,
            },
            {
                "email": "old@example.com", "name": "Old", "contracts": [], "can_sign_in": False,
                "support": None,
            },
        ]
    }  # fmt: skip


def test_platform_wide_support_is_granted_changed_listed_and_revoked(
    app: Flask, flask: Flasks, contract_id: int
) -> None:
    make_actor(app, contract_id, "agent", email="sol@example.com")
    assert flask("account", "list-support").out == (
        "Nobody has platform-wide support. Grant it with flask account grant-support.\n"
    )
    assert flask("account", "grant-support", "SOL@example.com").out == (
        "sol@example.com may look at the sync status of every contract.\n"
    )
    assert flask("account", "list-support").out == "sol@example.com  support: looks\n"
    assert flask("account", "grant-support", "sol@example.com", "--may-sync").out == (
        "sol@example.com may look at the sync status of every contract and start syncs.\n"
    )
    assert flask("account", "list-support", "--json").json == {
        "accounts": [{"email": "sol@example.com", "support": "sync"}]
    }
    assert "contracts: acme  support: looks and starts syncs\n" in flask("account", "list").out
    assert flask("account", "revoke-support", "sol@example.com").out == (
        "sol@example.com may no longer look at every contract.\n"
    )
    assert flask("account", "revoke-support", "sol@example.com").out == (
        "sol@example.com had no platform-wide support.\n"
    )
    with app.app_context():
        events = db.session.execute(
            sa.select(AuditEvent.action, AuditEvent.details, AuditEvent.actor)
            .where(AuditEvent.action.like("account.support%"))
            .order_by(AuditEvent.id)
        ).all()
        db.session.rollback()
    assert [tuple(event) for event in events] == [
        ("account.support_granted", {"may start syncs": False}, "command: flask account"),
        ("account.support_granted", {"may start syncs": True}, "command: flask account"),
        ("account.support_revoked", None, "command: flask account"),
    ]


def test_an_account_is_closed_and_opened_again(app: Flask, flask: Flasks, contract_id: int) -> None:
    someone = make_actor(app, contract_id, "administrator", email="eva@example.com")
    closed = flask("account", "close", "EVA@example.com")
    assert (closed.code, closed.out) == (0, "eva@example.com cannot sign in any more.\n")
    assert closed.err == (
        "No administrator of acme can sign in now. Make one: flask account create-administrator acme EMAIL.\n"
    )
    assert someone.get("/c/acme/users").status_code == 302
    assert flask("account", "close", "eva@example.com").out == (
        "eva@example.com is closed already. Nothing was changed.\n"
    )
    refused = flask("account", "set-password", "eva@example.com", "--password-stdin", typed=TYPED)
    assert (
        refused.refusal == "eva@example.com is closed. Open it first: flask account reopen eva@example.com."
    )
    opened = flask("account", "reopen", "eva@example.com")
    assert opened.out == (
        "eva@example.com is open again. Give it a password: flask account set-password eva@example.com.\n"
    )
    assert not can_sign_in(app, "eva@example.com", PASSWORD)
    flask("account", "set-password", "eva@example.com", "--password-stdin", typed=TYPED)
    assert can_sign_in(app, "eva@example.com", PASSWORD)
    assert flask("account", "reopen", "eva@example.com").out == (
        "eva@example.com is open already. Nothing was changed.\n"
    )
    found = flask("account", "reopen", "eva@example.com", "--json").json
    assert (found["changed"], found["can_sign_in"], found["contracts"]) == (False, True, ["acme"])


def test_the_sign_in_email_is_changed_and_doing_it_again_changes_nothing(
    app: Flask, flask: Flasks, contract_id: int
) -> None:
    someone = make_actor(app, contract_id, "manager", email="eva@example.com")
    make_actor(app, contract_id, "agent", email="ben@example.com")
    words = ("account", "set-email", "eva@example.com", "eva.k@example.com")
    assert flask(*words).out == "eva@example.com signs in as eva.k@example.com now.\n"
    assert someone.get("/c/acme/users").status_code == 302
    assert can_sign_in(app, "eva.k@example.com", PASSWORD)
    again = flask(*words)
    assert (again.code, again.out) == (
        0,
        "The account is eva.k@example.com already. Nothing was changed.\n",
    )
    assert flask(*words, "--json").json["changed"] is False
    taken = flask("account", "set-email", "eva.k@example.com", "BEN@example.com").refusal
    assert taken.startswith("There is an account ")
    assert flask("account", "set-email", "eva.k@example.com", "nonsense").refusal.startswith(
        "“nonsense” is not an email address."
    )
    assert flask("account", "set-email", "nobody@example.com", "ben@example.com").refusal == (
        "There is no account nobody@example.com. See flask account list."
    )
    with app.app_context():
        events = db.session.scalars(
            sa.select(AuditEvent.details).where(AuditEvent.action == "account.email_set")
        ).all()
        assert events == [{"email": {"before": "eva@example.com", "after": "eva.k@example.com"}}]


def test_another_sign_in_email_voids_what_was_mailed_to_the_one_before(
    app: Flask, flask: Flasks, contract_id: int
) -> None:
    someone = make_actor(app, contract_id, "manager", email="eva@example.com")
    with app.app_context(), write_transaction() as session:
        links.make(session, account_links.RESET, someone.account_id, utcnow())
    flask("account", "set-email", "eva@example.com", "eva.k@example.com")
    with app.app_context():
        assert db.session.scalars(sa.select(AccountLink)).all() == []


def test_who_is_here_already_becomes_an_administrator_as_by_an_activation(
    app: Flask, flask: Flasks, contract_id: int
) -> None:
    make_actor(app, make_contract(app, "bolt"), "agent", email="ana@example.com")
    long_ago = utcnow() - timedelta(days=9)

    def ana(**values: object) -> None:
        with app.app_context(), write_transaction() as session:
            session.execute(sa.delete(UserRole).where(UserRole.contract_id == contract_id))
            session.execute(sa.delete(ReportingAccess).where(ReportingAccess.contract_id == contract_id))
            session.execute(sa.delete(User).where(User.contract_id == contract_id))
            keys = user_keys(name="Ana", username="ana", email="ana@example.com", third_party_id=None)
            session.add(
                User(
                    contract_id=contract_id, name="Ana", username="ana", email="ana@example.com",
                    status_since=long_ago, **keys, **values,
                )
            )  # fmt: skip

    def stored() -> User:
        with app.app_context():
            return db.session.scalars(sa.select(User).where(User.contract_id == contract_id)).one()

    ana(status="inactive", left_since=long_ago)
    assert flask(*ANA).out == "ana@example.com is now an administrator of Contract acme.\n"
    assert (stored().status, stored().left_since) == ("active", None)
    assert stored().status_since > long_ago

    ana(status="active")  # she has a licence, so it takes none that none is free
    with app.app_context(), write_transaction() as session:
        session.execute(sa.update(Contract).where(Contract.id == contract_id).values(licences=1))
    assert flask(*ANA).out == "ana@example.com is now an administrator of Contract acme.\n"
    assert (stored().account_id is not None, stored().status_since) == (True, long_ago)
    assert "Nothing was changed" in flask(*ANA).out

    with app.app_context(), write_transaction() as session:
        session.execute(sa.update(Contract).where(Contract.id == contract_id).values(licences=9))
    ana(status="ignored")
    assert flask(*ANA).out == "ana@example.com is now an administrator of Contract acme.\n"
    assert stored().status == "active"


@pytest.mark.parametrize("command", ["grant-support", "revoke-support", "close", "reopen"])
def test_a_command_about_an_account_needs_one(flask: Flasks, contract_id: int, command: str) -> None:
    assert flask("account", command, "nobody@example.com").refusal == (
        "There is no account nobody@example.com. See flask account list."
    )
