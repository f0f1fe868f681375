"""``flask account``: the first administrator of a contract, passwords, and who can sign in."""

from __future__ import annotations

import sys
from typing import Any

import click
import sqlalchemy as sa
from flask.cli import AppGroup

from webapp.auth import accounts
from webapp.auth.passwords import MIN_LENGTH, PasswordRefused
from webapp.commands.answers import contract_or_fail, fail, print_json
from webapp.database import write_transaction
from webapp.models import Account, Contract, User, db

group = AppGroup("account", help="Accounts: who can sign in.")

_from_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from the first line of standard input."
)


@group.command("create-administrator")
@click.argument("slug")
@click.argument("email")
@click.option("--name", help="Their name; asked for when a new account is made without it.")
@_from_stdin
def create_administrator(slug: str, email: str, name: str | None, password_stdin: bool) -> None:
    """Make EMAIL an administrator of the contract SLUG.

    Makes the account when there is none; an existing one keeps its password.
    """
    contract = contract_or_fail(slug)
    account = accounts.find_account(db.session(), email)
    password = None
    if account is None:
        if name is None:
            if password_stdin:
                fail("Give the new account a name with --name.")
            name = click.prompt("Name")
        password = _password(password_stdin)
    try:
        with write_transaction() as session:
            if account is None:
                account = accounts.create_account(
                    session, email=email, name=name or "", password=password or ""
                )
            else:
                account = session.get_one(Account, account.id)
            changed = accounts.admit(session, contract, account, "administrator")
    except (accounts.AccountRefused, PasswordRefused) as refused:
        fail(str(refused))
    click.echo(f"{account.email} is {'now' if changed else 'already'} an administrator of {contract.name}.")


@group.command("set-password")
@click.argument("email")
@_from_stdin
def set_password(email: str, password_stdin: bool) -> None:
    """Set the password of EMAIL and end all of its sessions."""
    account = accounts.find_account(db.session(), email)
    if account is None:
        fail(f"There is no account {email}. See flask account list.")
    password = _password(password_stdin)
    try:
        with write_transaction() as session:
            accounts.set_password(session, session.get_one(Account, account.id), password)
    except PasswordRefused as refused:
        fail(str(refused))
    click.echo(f"The password of {account.email} is set. Its sessions have ended.")


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_accounts(as_json: bool) -> None:
    """List every account with the contracts it works in."""
    rows: list[dict[str, Any]] = []
    for account in db.session.scalars(sa.select(Account).order_by(Account.email_key)):
        slugs = db.session.scalars(
            sa.select(Contract.slug)
            .join(User, User.contract_id == Contract.id)
            .where(User.account_id == account.id, User.status == "active")
            .order_by(Contract.slug)
        )
        rows.append(
            {
                "email": account.email,
                "name": account.name,
                "contracts": list(slugs),
                "can_sign_in": account.disabled_at is None and account.password_hash is not None,
            }
        )
    if as_json:
        print_json({"accounts": rows})
        return
    for row in rows:
        closed = "" if row["can_sign_in"] else "  cannot sign in"
        click.echo(
            f"{row['email']}  {row['name']}  contracts: {', '.join(row['contracts']) or 'none'}{closed}"
        )
    if not rows:
        click.echo("There is no account yet. Make one with flask account create-administrator.")


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return click.prompt(
        f"Password (at least {MIN_LENGTH} characters)", hide_input=True, confirmation_prompt="The same again"
    )
