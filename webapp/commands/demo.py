"""``flask demo``: the contract, accounts and teams that ``make run`` starts with."""

from __future__ import annotations

import click
import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from webapp.accounts.sign_in import accounts
from webapp.accounts.sign_in.demo_accounts import DEMO_ACCOUNTS, DEMO_PASSWORD, NotTheDemos, refuse_another
from webapp.commands.answers import fail
from webapp.commands.groups import CommandGroup, end_with
from webapp.core.contracts import create_contract, set_feature
from webapp.core.database import write_transaction
from webapp.core.models import Account, Contract, Team, db
from webapp.core.permissions import INTEGRATIONS

group = CommandGroup("demo", help="What make run starts with.")

# a team, and the teams below it
STRUCTURE: dict[str, dict[str, tuple[str, ...]]] = {
    "Leeds": {
        "Phone support": ("Billing", "Technical help"),
        "Chat support": ("Chat early shift", "Chat late shift"),
    },
    "Porto": {"Email support": ("Returns", "Accounts"), "Quality": ()},
    "Home workers": {},
}


@group.command("check", of_any_version=True)
def check() -> None:
    """Refuse a database that was not made by the demo, of whatever version, before anything is changed in it."""
    try:
        with db.engine.connect() as connection:
            refuse_another(connection)
    except NotTheDemos as refused:
        end_with(refused)
    except sa.exc.OperationalError as error:
        end_with(f"The database cannot be used ({str(error.orig).splitlines()[0]}). Check DATABASE_URL.")


@group.command("seed")
def seed() -> None:
    """Make the demo contracts and accounts unless they are there. Refused upon a database that is not the demo's."""
    if current_app.extensions["settings"].mode == "production":
        fail("Demo accounts have a public password, so production refuses them. Use flask contract create.")
    try:
        refuse_another(db.session.connection())
    except NotTheDemos as refused:
        fail(str(refused))
    if db.session.scalar(sa.select(Contract.id).where(Contract.slug == "demo")) is not None:
        click.echo("The demo contract is there already.")
        return
    with write_transaction() as session:
        demo = create_contract(
            session, slug="demo", name="Kestrel Outdoor", time_zone="Europe/London", licences=60
        )
        set_feature(session, demo, INTEGRATIONS, on=True)
        _structure(session, demo)
        second = create_contract(
            session, slug="demo-two", name="Kestrel Outdoor Nordics", time_zone="Europe/Oslo", licences=20
        )
        for sign_in in DEMO_ACCOUNTS:
            account = accounts.create_account(
                session, email=sign_in.email, name=sign_in.name, password=DEMO_PASSWORD, demo=True
            )
            accounts.admit(session, demo, account, sign_in.role)
            if sign_in.role == "administrator":
                accounts.admit(session, second, account, sign_in.role)
    click.echo("Made the demo contract and its accounts.")


@group.command("close-accounts")
def close_accounts() -> None:
    """Take the password of every demo account away and end its sessions."""
    with write_transaction() as session:
        demo = list(session.scalars(sa.select(Account).where(Account.demo, Account.disabled_at.is_(None))))
        for account in demo:
            accounts.close(session, account)
    click.echo(f"Closed {len(demo)} demo {'account' if len(demo) == 1 else 'accounts'}.")


def _structure(session: Session, contract: Contract) -> None:
    root = session.scalars(sa.select(Team).where(Team.contract_id == contract.id, Team.level == 1)).one()
    for site, departments in STRUCTURE.items():
        top = _team(session, root, site)
        for department, teams in departments.items():
            middle = _team(session, top, department)
            for name in teams:
                _team(session, middle, name)


def _team(session: Session, parent: Team, name: str) -> Team:
    team = Team(contract_id=parent.contract_id, parent_id=parent.id, level=parent.level + 1, name=name)
    session.add(team)
    session.flush()
    return team
