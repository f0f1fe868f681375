"""What the commands have in common: finding a contract, printing JSON, failing with one sentence."""

from __future__ import annotations

import json
import sys
from typing import Any, NoReturn

import click
import sqlalchemy as sa

from webapp.core.models import Contract, db


def contract_or_fail(slug: str) -> Contract:
    """The contract ``slug``; ends the command with one sentence when there is none."""
    found = db.session.scalars(sa.select(Contract).where(Contract.slug == slug)).one_or_none()
    if found is None:
        fail(f"There is no contract {slug}. See flask contract list.")
    return found


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))


def asked(question: str, without: str, **options: Any) -> str:
    """What is typed as an answer; ``without`` says how to give it where nobody can be asked.

    The question goes to standard error: what --json prints stays JSON.
    """
    try:
        return str(click.prompt(question, err=True, **options))
    except click.Abort:
        if sys.stdin.isatty():  # Ctrl-C
            raise
        click.echo(err=True)
        fail(f"Nobody answered, as there is no terminal to ask at. {without}")


def fail(text: str) -> NoReturn:
    """End the command with ``text`` and exit code 1."""
    raise click.ClickException(text)
