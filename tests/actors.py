"""Contracts and signed-in people for tests of the web."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from webapp.accounts.sign_in import accounts, passwords, sessions
from webapp.accounts.sign_in.sign_in_manager import TOKEN
from webapp.core import contracts
from webapp.core.database import write_transaction
from webapp.core.models import Account, Contract, User
from webapp.core.permissions import INTEGRATIONS

PASSWORD = "correct horse battery staple"
CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')

_numbers = itertools.count(1)
_hash = functools.cache(passwords.hash_password)  # slow by design, so once for everyone


@contextmanager
def _quick_passwords() -> Iterator[None]:
    """The one password of everyone is known to be good, and is hashed once."""
    with patch.object(passwords, "hash_password", _hash), patch.object(passwords, "check"):
        yield


@dataclass(frozen=True)
class Actor:
    """Someone signed in with a browser of their own."""

    client: FlaskClient
    account_id: int
    email: str

    def get(self, path: str, **options: object) -> TestResponse:
        return self.client.get(path, **options)  # type: ignore[arg-type]

    def post(self, path: str, data: dict[str, object] | None = None, **options: object) -> TestResponse:
        """A form sent with this browser's own anti-forgery token."""
        return self.client.post(path, data={"csrf_token": self.csrf(), **(data or {})}, **options)  # type: ignore[arg-type]

    def csrf(self) -> str:
        return csrf_of(self.client.get("/nothing-here"))


def csrf_of(response: TestResponse) -> str:
    """The anti-forgery token of the first form on a page."""
    found = CSRF.search(response.text)
    assert found, f"no form on the page: {response.text[:300]}"
    return found.group(1)


def make_contract(app: Flask, slug: str, *, features: bool = True, licences: int = 60) -> int:
    """A contract with its roles; its id."""
    with app.app_context(), write_transaction() as session:
        contract = contracts.create_contract(
            session, slug=slug, name=f"Contract {slug}", time_zone="Europe/London", licences=licences
        )
        if features:
            contracts.set_feature(session, contract, INTEGRATIONS, on=True)
        return contract.id


def make_actor(app: Flask, contract_id: int, role: str, *, email: str | None = None) -> Actor:
    """An account with ``role`` in the contract, signed in."""
    number = next(_numbers)
    email = email or f"{role}.{number}@example.com"
    with app.app_context():
        with write_transaction() as session:
            account = accounts.find_account(session, email)
            if account is None:
                with _quick_passwords():
                    account = accounts.create_account(
                        session, email=email, name=f"Person {number}", password=PASSWORD
                    )
            contract = session.get_one(Contract, contract_id)
            accounts.admit(session, contract, account, role)
        account_id = account.id
    return sign_in(app, account_id, email)


def make_support(app: Flask, email: str, *, may_sync: bool = False) -> Actor:
    """An account in no contract with platform-wide support, signed in."""
    with app.app_context():
        with write_transaction() as session, _quick_passwords():
            account = accounts.create_account(session, email=email, name="Sol Support", password=PASSWORD)
            accounts.grant_support(session, account, may_sync=may_sync)
        account_id = account.id
    return sign_in(app, account_id, email)


def sign_in(app: Flask, account_id: int, email: str) -> Actor:
    """A fresh browser of that account, signed in on the server without the sign-in form."""
    client = app.test_client()
    with app.app_context(), write_transaction() as session:
        token = sessions.start(
            session,
            session.get_one(Account, account_id),
            app.extensions["settings"],
            address="127.0.0.1",
            user_agent="test",
        )
    with client.session_transaction() as cookie:
        cookie[TOKEN] = token
        cookie["_user_id"] = str(account_id)
        cookie.permanent = True
    return Actor(client, account_id, email)


def deactivate(app: Flask, contract_id: int, account_id: int) -> None:
    """The person's user in the contract becomes inactive."""
    with app.app_context(), write_transaction() as session:
        session.execute(
            sa.update(User)
            .where(User.contract_id == contract_id, User.account_id == account_id)
            .values(status="inactive")
        )
