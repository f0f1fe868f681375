"""A contract of its own for each journey, in a running Rollcall."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
import sqlalchemy as sa
from flask import Flask

from tests.servers.stack import Stack
from webapp.access import INTEGRATIONS
from webapp.auth import accounts
from webapp.auth.demo_accounts import DEMO_ACCOUNTS
from webapp.contracts import create_contract, set_feature
from webapp.database import write_transaction
from webapp.models import Team

TEAMS = ("Billing", "Returns")


@dataclass(frozen=True)
class Site:
    """One contract of a running Rollcall, and the sandboxes beside it."""

    stack: Stack
    slug: str

    @property
    def url(self) -> str:
        return self.stack.url

    def address(self, path: str) -> str:
        return f"{self.stack.url}/c/{self.slug}/{path}"

    def control(
        self, method: str, path: str, order: object = None, *, platform: str = "intercom"
    ) -> httpx.Response:
        """Give the platform's sandbox an order."""
        port = self.stack.port + {"intercom": 1, "zendesk": 2}[platform]
        answer = httpx.request(method, f"http://127.0.0.1:{port}/control/{path}", json=order, timeout=60)
        answer.raise_for_status()
        return answer


def make_site(app: Flask, stack: Stack, slug: str, *, features: bool = True, licences: int = 60) -> Site:
    """A new contract with two teams, in which each demo account has its role."""
    with app.app_context(), write_transaction() as session:
        contract = create_contract(
            session, slug=slug, name=f"Contract {slug}", time_zone="Europe/London", licences=licences
        )
        if features:
            set_feature(session, contract, INTEGRATIONS, on=True)
        root = session.scalars(sa.select(Team).where(Team.contract_id == contract.id)).one()
        session.add_all(
            Team(contract_id=contract.id, parent_id=root.id, level=root.level + 1, name=name)
            for name in TEAMS
        )
        for demo in DEMO_ACCOUNTS:
            account = accounts.find_account(session, demo.email)
            assert account is not None
            accounts.admit(session, contract, account, demo.role)
    return Site(stack, slug)
