"""The three accounts of demo mode. They never exist in production."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from webapp.core.models import Account, Contract, db

DEMO_PASSWORD = "rollcall-demo-2026"  # noqa: S105 - published on the demo's sign-in page


@dataclass(frozen=True)
class DemoAccount:
    """One demo sign-in and the role it has in the demo contract."""

    email: str
    name: str
    role: str
    role_name: str
    note: str = ""


DEMO_ACCOUNTS: tuple[DemoAccount, ...] = (
    DemoAccount("admin@demo.test", "Ana Oliveira", "administrator", "Administrator", "Connects platforms"),
    DemoAccount("manager@demo.test", "Marek Nowak", "manager", "Manager", "Activates people"),
    DemoAccount("support@demo.test", "Sunita Rao", "system_access", "System Access", "Reads how syncs went"),
)


class DemoAccountsPresent(Exception):
    """Production found accounts with a published password in its database."""


class NotTheDemos(Exception):
    """The demo found the database of somebody who runs Rollcall for real."""


def refuse_another(connection: sa.Connection) -> None:
    """Raises :class:`NotTheDemos` when the database holds something and no demo account that is open.

    Those accounts are what the demo begins with, so they are its mark. It reads nothing that older versions lack.
    """
    if not sa.inspect(connection).has_table("accounts"):
        return
    usable = sa.exists().where(Account.demo, Account.disabled_at.is_(None))
    anything = sa.or_(sa.exists(sa.select(Contract.id)), sa.exists(sa.select(Account.id)))
    if connection.scalar(sa.select(sa.and_(anything, ~usable))):
        raise NotTheDemos(
            "This database was not made by the demo: it holds contracts or accounts, and no demo account that is "
            "open. The demo's passwords are public, so nothing was changed. Unset DATABASE_URL, choose another "
            "DATA_DIR, or set ROLLCALL_MODE=production to run Rollcall for real, as the README says."
        )


def refuse_in_production(mode: str) -> None:
    """Raises :class:`DemoAccountsPresent` when ``mode`` is production and the database holds demo accounts.

    Call it inside an application context, when a process starts to serve.
    """
    usable = sa.select(Account.id).where(Account.demo, Account.disabled_at.is_(None)).limit(1)
    found = db.session.scalar(usable)
    if mode == "production" and found is not None:
        raise DemoAccountsPresent(
            "This database holds demo accounts, whose password is public. "
            "Use a database that was not made by the demo, or close them with: flask demo close-accounts."
        )
