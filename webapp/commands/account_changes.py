"""``flask account close``, ``reopen`` and ``set-email``: changing an account that is there."""

from __future__ import annotations

import click

from webapp.accounts.sign_in import accounts, admin
from webapp.commands.account import account_or_fail, as_json_row, group
from webapp.commands.answers import fail, print_json
from webapp.core.database import write_transaction
from webapp.core.models import Account, db

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
NOTHING = "Nothing was changed."


@group.command("close")
@click.argument("email")
@_json
def close(email: str, as_json: bool) -> None:
    """Let nobody sign in as EMAIL any more: the password goes, and every session ends.

    Its users stay active and keep their licences; deactivate them in their contracts.
    """
    with write_transaction() as session:
        account = account_or_fail(email)
        changed = admin.close(session, account)
    alone = admin.without_administrator(db.session(), account)
    _answer(
        account,
        changed,
        as_json,
        f"{account.email} cannot sign in any more." if changed else f"{account.email} is closed already.",
    )
    for slug in alone:
        click.echo(
            f"No administrator of {slug} can sign in now. Make one: "
            f"flask account create-administrator {slug} EMAIL.",
            err=True,
        )


@group.command("reopen")
@click.argument("email")
@_json
def reopen(email: str, as_json: bool) -> None:
    """Let EMAIL sign in again. A closed account has no password, so set one next."""
    with write_transaction() as session:
        account = account_or_fail(email)
        changed = admin.reopen(session, account)
    done = f"{account.email} is open again." if changed else f"{account.email} is open already."
    if not as_json and account.password_hash is None:
        done += f" Give it a password: flask account set-password {account.email}."
    _answer(account, changed, as_json, done)


@group.command("set-email")
@click.argument("email")
@click.argument("new_email")
@_json
def set_email(email: str, new_email: str, as_json: bool) -> None:
    """Let EMAIL sign in with NEW_EMAIL from now on, and end its sessions.

    The users of its contracts keep the email they have there.
    """
    try:
        with write_transaction() as session:
            account = accounts.find_account(session, email)
            changed = account is not None and admin.set_email(session, account, new_email)
            if account is None:
                account = accounts.find_account(session, new_email)
                if account is None or not admin.had_email(session, account, email):
                    account = account_or_fail(email)
    except accounts.AccountRefused as refused:
        fail(str(refused))
    done = (
        f"{email} signs in as {account.email} now." if changed else f"The account is {account.email} already."
    )
    _answer(account, changed, as_json, done)


def _answer(account: Account, changed: bool, as_json: bool, sentence: str) -> None:
    if as_json:
        print_json(as_json_row(account) | {"changed": changed})
    else:
        click.echo(sentence if changed else f"{sentence} {NOTHING}")
