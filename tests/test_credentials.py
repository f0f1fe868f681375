"""Stored tokens: encrypted, bound to their row, and moved from key to key."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from flask import Flask

import config
import webapp
from tests.actors import make_contract
from webapp.core.credentials import CredentialsUnreadable, open_sealed, reseal, seal, seal_for, unseal
from webapp.core.database import write_transaction
from webapp.core.models import Account, ConnectAttempt, Integration, SignInSession, db, utcnow

TOKEN = {"access_token": "marker-Zm9vYmFy-of-the-token", "token_type": "Bearer"}
OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


@pytest.fixture
def with_keys(settings: config.Settings) -> Iterator[Callable[..., Flask]]:
    """``with_keys(*keys)``: the application upon the same database with those CREDENTIAL_KEYS."""
    apps = []

    def build(*keys: str) -> Flask:
        apps.append(webapp.create_app(replace(settings, credential_keys=keys)))
        return apps[-1]

    yield build
    for app in apps:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def connect(app: Flask, slug: str) -> int:
    """A contract with a connected integration; the integration's id."""
    contract_id = make_contract(app, slug)
    with app.app_context(), write_transaction() as session:
        integration = Integration(contract_id=contract_id, platform="intercom")
        session.add(integration)
        session.flush()
        integration.credentials = seal(integration, TOKEN)
        integration.connection = "connected"
        return integration.id


def stored(app: Flask, integration_id: int) -> Integration:
    return db.session.get_one(Integration, integration_id, populate_existing=True)


def test_what_was_sealed_can_be_read_in_its_row(app: Flask) -> None:
    integration_id = connect(app, "acme")
    with app.app_context():
        assert unseal(stored(app, integration_id)) == TOKEN


def test_the_token_is_nowhere_in_the_database(app: Flask, settings: config.Settings) -> None:
    connect(app, "acme")
    with app.app_context(), db.engine.connect() as connection:
        for table in db.metadata.sorted_tables:
            for row in connection.execute(sa.select(table)):
                assert "marker-Zm9vYmFy" not in repr(row)
    if settings.database_url.startswith("sqlite"):
        path = Path(settings.database_url.removeprefix("sqlite:///"))
        for file in path.parent.glob(f"{path.name}*"):
            assert b"marker-Zm9vYmFy" not in file.read_bytes()


def test_the_same_token_is_sealed_differently_each_time(app: Flask) -> None:
    with app.app_context():
        assert seal_for(["a", 1], TOKEN) != seal_for(["a", 1], TOKEN)


def test_what_was_sealed_for_one_row_is_refused_in_another(app: Flask) -> None:
    first, second = connect(app, "acme"), connect(app, "bolt")
    with app.app_context():
        with write_transaction() as session:
            session.execute(
                sa.update(Integration)
                .where(Integration.id == second)
                .values(credentials=stored(app, first).credentials)
            )
        with pytest.raises(CredentialsUnreadable, match="belongs to another row"):
            unseal(stored(app, second))
        assert unseal(stored(app, first)) == TOKEN


@pytest.mark.parametrize("changed", ["contract_id", "id", "platform"])
def test_each_part_of_the_row_counts(app: Flask, changed: str) -> None:
    with app.app_context():
        row = Integration(id=1, contract_id=1, platform="intercom")
        row.credentials = seal(row, TOKEN)
        assert unseal(row) == TOKEN
        setattr(row, changed, "zendesk" if changed == "platform" else 2)
        with pytest.raises(CredentialsUnreadable, match="belongs to another row"):
            unseal(row)


def test_a_single_changed_byte_is_refused(app: Flask) -> None:
    with app.app_context():
        sealed = seal_for(["integration", 1], TOKEN)
        raw = base64.urlsafe_b64decode(sealed)
        for place in range(len(raw)):
            forged = bytearray(raw)
            forged[place] ^= 1
            with pytest.raises(CredentialsUnreadable):
                open_sealed(["integration", 1], base64.urlsafe_b64encode(bytes(forged)).decode())


@pytest.mark.parametrize("sealed", ["", "x", "é", "gAAAAA==", '{"row": ["integration", 1], "token": {}}'])
def test_what_is_no_sealed_token_is_refused(app: Flask, sealed: str) -> None:
    with app.app_context():
        for use in (lambda: open_sealed(["integration", 1], sealed), lambda: reseal(sealed)):
            with pytest.raises(CredentialsUnreadable, match="cannot be decrypted with CREDENTIAL_KEYS"):
                use()


def test_an_integration_without_a_token_has_none_to_read(app: Flask) -> None:
    with app.app_context(), pytest.raises(CredentialsUnreadable):
        unseal(Integration(id=1, contract_id=1, platform="intercom"))


# ------------------------------------------------------------------ keys
def test_keys_are_changed_without_losing_a_token(with_keys: Callable[..., Flask]) -> None:
    before = with_keys(OLD)
    ids = [connect(before, "acme"), connect(before, "bolt")]

    both = with_keys(NEW, OLD)
    with both.app_context():
        assert [unseal(stored(both, one)) for one in ids] == [TOKEN, TOKEN]
    ended = both.test_cli_runner().invoke(args=["credentials", "rotate"])
    assert (ended.exit_code, ended.output) == (0, "2 stored tokens are encrypted under the newest key.\n")

    after = with_keys(NEW)
    with after.app_context():
        assert [unseal(stored(after, one)) for one in ids] == [TOKEN, TOKEN]
    with before.app_context(), pytest.raises(CredentialsUnreadable):
        unseal(stored(before, ids[0]))


def test_a_token_that_no_key_opens_stops_the_change_of_keys(with_keys: Callable[..., Flask]) -> None:
    readable, lost = (
        connect(with_keys(OLD), "acme"),
        connect(with_keys(Fernet.generate_key().decode()), "bolt"),
    )
    app = with_keys(NEW, OLD)
    with app.app_context():
        sealed = [stored(app, one).credentials for one in (readable, lost)]

    ended = app.test_cli_runner().invoke(args=["credentials", "rotate"])

    assert ended.exit_code == 1
    assert ended.output == (
        "Error: Nothing was changed: the stored token cannot be decrypted with CREDENTIAL_KEYS. "
        "Add the key it was encrypted with to the end of CREDENTIAL_KEYS.\n"
    )
    with app.app_context():
        assert [stored(app, one).credentials for one in (readable, lost)] == sealed


def test_no_half_finished_connection_stays_under_the_old_key(with_keys: Callable[..., Flask]) -> None:
    app = with_keys(OLD)
    contract_id = make_contract(app, "acme")
    with app.app_context(), write_transaction() as session:
        account = Account(email="a@b.example", email_key="a@b.example", name="A")
        session.add(account)
        session.flush()
        browser = SignInSession(token_hash="x", account_id=account.id, expires_at=utcnow())
        session.add(browser)
        session.flush()
        session.add(
            ConnectAttempt(
                state_hash="x",
                sign_in_session_id=browser.id,
                contract_id=contract_id,
                platform="intercom",
                details={"sealed": seal_for(["attempt", 1], TOKEN)},
                expires_at=utcnow(),
            )
        )
    rotating = with_keys(NEW, OLD)
    ended = rotating.test_cli_runner().invoke(args=["credentials", "rotate"])
    assert ended.output == "0 stored tokens are encrypted under the newest key.\n"
    with rotating.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(ConnectAttempt)) == 0


def test_a_refusal_says_nothing_of_what_was_sealed(app: Flask) -> None:
    with app.app_context():
        sealed = seal_for(["integration", 1], TOKEN)
        with pytest.raises(CredentialsUnreadable) as refused:
            open_sealed(["integration", 2], sealed)
    shown = f"{refused.value!r} {refused.value.__context__!r} {refused.value.__cause__!r}"
    assert "marker" not in shown
    assert sealed not in shown
