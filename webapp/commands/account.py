"""``flask account``: the first administrator of a contract, passwords, and who can sign in."""

from __future__ import annotations

import sys
from typing import Any

import click
import sqlalchemy as sa
from flask import current_app

from config import Settings
from webapp.accounts.profile import service
from webapp.accounts.sign_in import accounts
from webapp.accounts.sign_in.passwords import MIN_LENGTH, PasswordRefused
from webapp.commands.answers import asked, contract_or_fail, fail, print_json
from webapp.commands.groups import CommandGroup
from webapp.core.database import write_transaction
from webapp.core.models import Account, Contract, User, db

group = CommandGroup("account", help="Accounts: who can sign in.")

SUPPORT_WORDS = {None: "", "look": "  support: looks", "sync": "  support: looks and starts syncs"}

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_from_stdin = click.option(
    "--password-stdin", is_flag=True, help="Read the password from the first line of standard input."
)


@group.command("create-administrator")
@click.argument("slug")
@click.argument("email")
@click.option("--name", help="Their name; asked for when a new account is made without it.")
@_from_stdin
@_json
def create_administrator(
    slug: str, email: str, name: str | None, password_stdin: bool, as_json: bool
) -> None:
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
            name = asked("Name", "Give it with --name.")
        password = _password(password_stdin)
    try:
        try:
            account, changed = _admitted(contract, email, name, password)
        except sa.exc.IntegrityError:  # another command made the account at this moment
            account, changed = _admitted(contract, email, name, password)
    except (accounts.AccountRefused, PasswordRefused) as refused:
        fail(str(refused))
    if as_json:
        print_json(as_json_row(account) | {"changed": changed})
        return
    without = account.password_hash is None
    click.echo(
        f"{account.email} is {'now' if changed else 'already'} an administrator of {contract.name}."
        + ("" if changed else " Nothing was changed.")
        + (f" They have no password yet: flask account set-password {account.email}." if without else "")
    )


def _admitted(contract: Contract, email: str, name: str | None, password: str | None) -> tuple[Account, bool]:
    """The account of ``email``, made if there is none, as an administrator; whether that changed anything.

    Raises :class:`~webapp.accounts.sign_in.accounts.AccountRefused`,
    :class:`~webapp.accounts.sign_in.passwords.PasswordRefused` and
    ``IntegrityError`` when another transaction makes the same account.
    """
    with write_transaction() as session:
        account = accounts.find_account(session, email)
        if account is None:
            account = accounts.create_account(
                session,
                email=email,
                name=name or "",
                password=password or "",
                about=(contract.name, _settings().product_name),
            )
        return account, accounts.admit(session, contract, account, "administrator")


@group.command("set-password")
@click.argument("email")
@_from_stdin
@_json
def set_password(email: str, password_stdin: bool, as_json: bool) -> None:
    """Set the password of EMAIL, end all of its sessions, and tell its owner by mail."""
    account = account_or_fail(email)
    if account.disabled_at is not None:
        fail(f"{account.email} is closed. Open it first: flask account reopen {account.email}.")
    password = _password(password_stdin)
    try:
        with write_transaction() as session:
            account = accounts.locked(session, account.id)
            service.set_password(session, account, password, _settings())
    except PasswordRefused as refused:
        fail(str(refused))
    if as_json:
        print_json(as_json_row(account) | {"changed": True})
        return
    click.echo(f"The password of {account.email} is set. Its sessions have ended.")


@group.command("grant-support")
@click.argument("email")
@click.option("--may-sync", is_flag=True, help="They may start a sync of any contract as well.")
@_json
def grant_support(email: str, may_sync: bool, as_json: bool) -> None:
    """Let EMAIL look at the sync status of every contract.

    Read-only, without --may-sync. Nobody can grant it in the browser. Granting again changes what they may do.
    """
    with write_transaction() as session:
        account = account_or_fail(email)
        changed = accounts.grant_support(session, account, may_sync=may_sync)
    if as_json:
        print_json(as_json_row(account) | {"changed": changed})
        return
    also = "look at the sync status of every contract" + (" and start syncs" if may_sync else "")
    click.echo(
        f"{account.email} may {also}."
        if changed
        else f"{account.email} may already {also}. Nothing was changed."
    )


@group.command("revoke-support")
@click.argument("email")
@_json
def revoke_support(email: str, as_json: bool) -> None:
    """Take platform-wide support back from EMAIL, at once."""
    with write_transaction() as session:
        account = account_or_fail(email)
        changed = accounts.revoke_support(session, account)
    if as_json:
        print_json(as_json_row(account) | {"changed": changed})
        return
    click.echo(
        f"{account.email} may no longer look at every contract."
        if changed
        else f"{account.email} had no platform-wide support."
    )


@group.command("list-support")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_support(as_json: bool) -> None:
    """List the accounts with platform-wide support."""
    found = db.session.scalars(sa.select(Account).where(Account.support).order_by(Account.email_key)).all()
    if as_json:
        print_json({"accounts": [{"email": one.email, "support": _support(one)} for one in found]})
        return
    for one in found:
        click.echo(f"{one.email}{SUPPORT_WORDS[_support(one)]}")
    if not found:
        click.echo("Nobody has platform-wide support. Grant it with flask account grant-support.")


@group.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_accounts(as_json: bool) -> None:
    """List every account with the contracts it works in."""
    slugs = _slugs()
    rows = [
        _row(account, slugs.get(account.id, []))
        for account in db.session.scalars(sa.select(Account).order_by(Account.email_key))
    ]
    if as_json:
        print_json({"accounts": rows})
        return
    for row in rows:
        closed = "" if row["can_sign_in"] else "  cannot sign in"
        click.echo(
            f"{row['email']}  {row['name']}  contracts: {', '.join(row['contracts']) or 'none'}"
            f"{SUPPORT_WORDS[row['support']]}{closed}"
        )
    if not rows:
        click.echo("There is no account yet. Make one with flask account create-administrator.")


def account_or_fail(email: str) -> Account:
    """The account with this email; ends the command with one sentence when there is none."""
    account = accounts.find_account(db.session(), email)
    if account is None:
        fail(f"There is no account {email}. See flask account list.")
    return account


def as_json_row(account: Account) -> dict[str, Any]:
    """An account as the commands print it."""
    return _row(account, _slugs(Account.id == account.id).get(account.id, []))


def _row(account: Account, slugs: list[str]) -> dict[str, Any]:
    return {
        "email": account.email,
        "name": account.name,
        "contracts": slugs,
        "can_sign_in": account.disabled_at is None and account.password_hash is not None,
        "support": _support(account),
    }


def _slugs(*where: sa.ColumnElement[bool]) -> dict[int, list[str]]:
    """The contracts that accounts work in, by the account's ID."""
    found: dict[int, list[str]] = {}
    for account_id, slug in db.session.execute(
        sa.select(Account.id, Contract.slug)
        .join(User, User.account_id == Account.id)
        .join(Contract, Contract.id == User.contract_id)
        .where(User.status == "active", *where)
        .order_by(Contract.slug)
    ):
        found.setdefault(account_id, []).append(slug)
    return found


def _support(account: Account) -> str | None:
    """What platform-wide support the account has: none, ``look`` or ``sync``."""
    if not account.support:
        return None
    return "sync" if account.support_may_sync else "look"


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return asked(
        f"Password (at least {MIN_LENGTH} characters)",
        "Give it with --password-stdin, on the first line of standard input.",
        hide_input=True,
        confirmation_prompt="The same again",
    )
