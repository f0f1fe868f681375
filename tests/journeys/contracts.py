"""A contract of its own for each journey, in the database of a running Rollcall, with one person of each kind."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import httpx
from flask import Flask

import config
import webapp
from tests.actors import make_contract
from tests.servers.local import HTTP
from tests.servers.stack import Stack
from webapp.accounts.sign_in import accounts
from webapp.core.database import write_transaction
from webapp.core.models import Contract, Team, db

PASSWORD = "correct horse battery staple"
ROLES = {"admin": "administrator", "manager": "manager", "support": "system_access"}

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Journey:
    """A contract that no other test knows; nothing is connected yet."""

    stack: Stack
    slug: str

    def path(self, rest: str = "") -> str:
        return f"/c/{self.slug}{rest}"

    @property
    def platform(self) -> str:
        return self.path("/integrations/platforms/intercom")

    @property
    def sync(self) -> str:
        return f"{self.platform}/user-sync"

    @property
    def pending(self) -> str:
        return self.path("/users?status=pending")

    def email(self, who: str) -> str:
        return f"{who}@{self.slug}.example"

    def control(self, method: str, path: str, order: object = None) -> httpx.Response:
        """Give the sandbox of Intercom an order."""
        url = f"{self.stack.sandbox_url}/control/{path}"
        answer = HTTP.request(method, url, json=order)
        answer.raise_for_status()
        return answer


def new_journey(stack: Stack, licences: int = 60) -> Journey:
    """Make a contract with the teams Billing and Returns, its people, and the sandbox as it was at first."""
    journey = Journey(stack, f"journey-{next(_numbers)}")
    app = _app(stack)
    contract_id = make_contract(app, journey.slug, licences=licences)
    _fill(app, journey, contract_id)
    journey.control("POST", "reset")
    return journey


def second_contract(journey: Journey) -> str:
    """Make another contract with the same administrator; its name."""
    app = _app(journey.stack)
    contract_id = make_contract(app, f"{journey.slug}-two")
    with app.app_context():
        with write_transaction() as session:
            account = accounts.find_account(session, journey.email("admin"))
            assert account is not None
            contract = session.get_one(Contract, contract_id)
            accounts.admit(session, contract, account, ROLES["admin"])
            name = contract.name
        db.session.remove()
        db.engine.dispose()
    return name


def _app(stack: Stack) -> Flask:
    """The application upon the database of ``stack``, in this process."""
    return webapp.create_app(config.load_settings(stack.environ | {"ROLLCALL_MODE": "demo"}))


def _fill(app: Flask, journey: Journey, contract_id: int) -> None:
    with app.app_context():
        with write_transaction() as session:
            contract = session.get_one(Contract, contract_id)
            root = session.query(Team).filter_by(contract_id=contract_id, level=1).one()
            for name in ("Billing", "Returns"):
                session.add(Team(contract_id=contract_id, parent_id=root.id, level=2, name=name))
            for who, role in ROLES.items():
                account = accounts.create_account(
                    session, email=journey.email(who), name=f"Casey {who.capitalize()}", password=PASSWORD
                )
                accounts.admit(session, contract, account, role)
        db.session.remove()
        db.engine.dispose()
